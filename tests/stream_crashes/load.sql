\set kind random(1, 15)
\set sk random(1, 100)
\set v random(1, 1000000000000)
\if :kind = 1
INSERT INTO dynamo_tables."Booked" (item) VALUES (item('sql ' || :client_id, :sk, :v)::text::dynamo.item)
    ON CONFLICT (pk_hash, pk, sk) DO UPDATE SET item = excluded.item;
\elif :kind = 2
UPDATE dynamo_tables."Booked" SET item = item('sql ' || :client_id, (item ->> 'sk')::int, :v)::text::dynamo.item
    WHERE item ->> 'pk' = 'sql ' || :client_id AND (item ->> 'sk')::numeric BETWEEN :sk AND :sk + 3;
\elif :kind = 3
DELETE FROM dynamo_tables."Booked" WHERE item ->> 'pk' = 'sql ' || :client_id AND (item ->> 'sk')::numeric BETWEEN :sk AND :sk + 3;
\elif :kind = 4
BEGIN;
SELECT put('Booked', 'sql ' || :client_id, :sk, :v);
SAVEPOINT a;
SELECT put('Booked', 'sql ' || :client_id, :sk + 1, :v);
SELECT put('Plain', 'sql ' || :client_id, :sk + 1, :v);
ROLLBACK TO a;
SELECT del('Booked', 'sql ' || :client_id, :sk);
SAVEPOINT b;
SELECT put('Booked', 'sql ' || :client_id, :sk, :v + 1);
RELEASE b;
SELECT add('Plain', 'sql ' || :client_id, :sk, :v);
COMMIT;
\elif :kind = 5
SELECT batch('sql ' || :client_id, :sk, :v);
\elif :kind = 6
SELECT transact('sql ' || :client_id, :sk, :v);
\elif :kind = 7
-- Another key: one change goes, one comes.
UPDATE dynamo_tables."Booked" SET item = item('sql ' || :client_id, 1000 + (:v % 1000)::int, :v)::text::dynamo.item
    WHERE item ->> 'pk' = 'sql ' || :client_id AND (item ->> 'sk')::numeric = :sk
      AND NOT EXISTS (SELECT FROM dynamo_tables."Booked" WHERE item ->> 'pk' = 'sql ' || :client_id AND (item ->> 'sk')::numeric = 1000 + :v % 1000);
\elif :kind = 8
BEGIN;
SELECT put('Booked', 'sql ' || :client_id, :sk, :v);
SELECT put('Plain', 'sql ' || :client_id, :sk, :v);
ROLLBACK;
\elif :kind = 9
UPDATE dynamo_tables."Booked" SET item = item WHERE item ->> 'pk' = 'sql ' || :client_id AND (item ->> 'sk')::numeric = :sk;
\elif :kind = 10
SELECT add('Booked', 'all', :sk % 5, :v);
\elif :kind = 11
SELECT add('Plain', 'all', :sk % 5, :v);
\elif :kind = 12
SELECT put('Plain', 'sql ' || :client_id, :sk, :v, (CASE WHEN :sk % 20 = 0 THEN 60000 ELSE 100 END));
\elif :kind = 13
SELECT del('Plain', 'sql ' || :client_id, :sk);
\elif :kind = 14
-- Prepared transactions outlive their server: their keys are nobody else's.
BEGIN;
SELECT put('Booked', 'prepared ' || :v, :sk, :v);
SELECT put('Plain', 'prepared ' || :v, :sk, :v);
PREPARE TRANSACTION 'p:v';
COMMIT PREPARED 'p:v';
\else
-- Seen by nobody before it ends, while others go on.
BEGIN;
SELECT put('Booked', 'sql ' || :client_id, :sk, :v);
SELECT pg_sleep(0.05);
SELECT put('Booked', 'sql ' || :client_id, :sk + 1, :v);
COMMIT;
\endif
