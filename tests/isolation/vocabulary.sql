-- Words that the specs are written in: isolationtester ends a step at its first closing brace, so a spec
-- cannot hold JSON.

-- item('k', 'a', 'n', '1'): names and values in turn. Digits are a number, true and false a boolean.
CREATE FUNCTION item(VARIADIC pairs text[]) RETURNS dynamo.item
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT json_object_agg(
        pairs[position],
        CASE
            WHEN value ~ '^-?[0-9]+$' THEN json_build_object('N', value)
            WHEN value IN ('true', 'false') THEN json_build_object('BOOL', value::boolean)
            ELSE json_build_object('S', value)
        END)::dynamo.item
    FROM generate_series(1, array_length(pairs, 1), 2) AS position, LATERAL (SELECT pairs[position + 1]) AS v (value)
$$;

-- Requests of a batch.
CREATE FUNCTION put(item dynamo.item) RETURNS json
    LANGUAGE sql
AS $$ SELECT json_build_object('PutRequest', json_build_object('Item', item)) $$;
CREATE FUNCTION remove(key dynamo.item) RETURNS json
    LANGUAGE sql
AS $$ SELECT json_build_object('DeleteRequest', json_build_object('Key', key)) $$;

-- What a server in front would answer.
CREATE FUNCTION handle(operation text, request json) RETURNS text
    LANGUAGE sql
AS $$
    SELECT concat_ws(' ', status, error_type, convert_from(reply, 'UTF8'))
    FROM dynamo.handle(operation, convert_to(request::text, 'UTF8'))
$$;

-- Runs a command; its SQLSTATE and message when it fails.
CREATE FUNCTION try(command text) RETURNS text
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
