-- There is always somebody whose transaction has written and goes on for a while.
\set pause random(200, 600)
BEGIN;
INSERT INTO overlapping VALUES (:pause);
SELECT pg_sleep(:pause / 1000.0);
COMMIT;
