\set key random(0, 9)
\set choice random(0, 5)
SELECT churn('key' || :key, :choice);
