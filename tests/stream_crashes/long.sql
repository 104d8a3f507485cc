-- One transaction that writes for `seconds`, now and then behind a savepoint that is kept or not. It also makes a table
-- with a stream, and holds one whose stream is asked for meanwhile.
SET application_name = 'long';
SELECT set_config('long.seconds', :'seconds', false) \g /dev/null
DO $$
DECLARE
    i int := 0;
    until timestamptz := clock_timestamp() + make_interval(secs => current_setting('long.seconds')::int);
BEGIN
    PERFORM new_table('Made', 'NEW_IMAGE');
    PERFORM put('Held', 'long', 0, 0);
    WHILE clock_timestamp() < until LOOP
        i := i + 1;
        PERFORM put('Booked', 'long', i, i, 300);
        PERFORM put('Made', 'long', i, i);
        IF i % 20 = 0 THEN
            BEGIN
                PERFORM add('Booked', 'long', i, -i);
                IF i % 40 = 0 THEN RAISE division_by_zero; END IF;
            EXCEPTION WHEN division_by_zero THEN NULL;
            END;
        END IF;
        PERFORM pg_sleep(0.005);
    END LOOP;
END
$$;
