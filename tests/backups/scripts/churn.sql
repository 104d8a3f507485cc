\set choice random(1, 4)
\set n random(1, :items)
\set version random(1, 1000)
SELECT churn(:choice, :n, :version);
