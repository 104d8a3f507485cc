-- Comparing gives back what it detoasts: a sort compares each value many times in one memory context.
CREATE TABLE compressed (v dynamo.attribute_value);
INSERT INTO compressed
SELECT ('{"S":"' || repeat(md5(i::text), 200) || i || '"}')::dynamo.attribute_value FROM generate_series(1, 3000) AS i;
SELECT max(pg_column_size(v)) < 1000 AS compressed FROM compressed;
SET max_parallel_workers_per_gather = 0;
BEGIN;
DECLARE sorted CURSOR FOR SELECT v FROM compressed ORDER BY v;
MOVE 1 FROM sorted;
SELECT sum(total_bytes) < 64 * 1024 * 1024 AS modest FROM pg_backend_memory_contexts;
COMMIT;
DROP TABLE compressed;
