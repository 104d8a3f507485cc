\set choice random(0, 9)
SELECT batch(:choice);
