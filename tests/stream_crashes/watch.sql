-- What others see of their own changes while the long transaction is open, and what the view says of the log.
CREATE TABLE watched (seen boolean, retained numeric, needed numeric, kept boolean);
SELECT new_table('Other', 'KEYS_ONLY');
SELECT new_booked_table('Held', false);
CREATE PROCEDURE watch() LANGUAGE plpgsql AS $$
DECLARE
    began pg_lsn := pg_current_wal_lsn();
    there boolean;
    last text;
    i int := 0;
BEGIN
    LOOP
        i := i + 1;
        SELECT coalesce(max(sequence_number COLLATE "C"), last) INTO last FROM dynamo.stream_records('Other', last);
        PERFORM put('Other', 'a', i, i);
        COMMIT;
        there := dynamo.wait_for_stream('Other', last, '1 minute');
        COMMIT;
        EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'long' AND state = 'active');
        INSERT INTO watched SELECT there, v.retained_wal_bytes, pg_current_wal_lsn() - began,
            EXISTS (SELECT FROM pg_ls_waldir() WHERE name = pg_walfile_name(r.restart_lsn))
        FROM dynamo.streams AS v JOIN pg_replication_slots AS r ON r.slot_name = v.slot_name WHERE v.table_name = 'Other';
        COMMIT;
        PERFORM pg_sleep(0.1);
    END LOOP;
END
$$;
