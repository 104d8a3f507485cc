\set table random(0, 1)
\set choice random(0, 7)
SELECT upheaval('Table' || :table, :choice);
