\set source random(1, 100)
\set target random(1, 100)
\set amount random(1, 50)
SELECT transfer(:source, :target, :amount);
