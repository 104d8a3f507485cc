\set key random(0, 9)
SELECT next_version('key' || :key);
