-- Gives every data table a trigger that never fires: plain tables are written without statements, others with them.

CREATE FUNCTION no_longer_plain() RETURNS trigger
    LANGUAGE plpgsql
AS $$ BEGIN RETURN NULL; END $$;

CREATE FUNCTION burden_data_tables() RETURNS event_trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' AND schema_name = 'dynamo_tables' LOOP
        EXECUTE format('CREATE TRIGGER no_longer_plain AFTER TRUNCATE ON %s EXECUTE FUNCTION no_longer_plain()', made.object_identity);
    END LOOP;
END
$$;
CREATE EVENT TRIGGER burden_data_tables ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION burden_data_tables();
