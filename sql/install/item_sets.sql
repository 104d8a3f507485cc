-- Query and Scan as sets of items, for FROM: neither Limit nor 1 MB ends them. Postgres would compute a function
-- in FROM whole before it uses the first row, so our planner hook puts a node of its own in the function's place:
-- LIMIT stops the index scan, ORDER BY the sort key needs no sort. The support function sees to it that the
-- library and its hook are there. Where the planner has no such place (WITH ORDINALITY, ROWS FROM of several
-- functions, a SELECT list) the function answers the same rows, materialised.
--
-- dynamo.query('{…}') is the request form, for the form of this file needs two arguments. dynamo.scan('{…}') is
-- the form of this file, because an untyped literal is text before it is json; it raises an error that says so.

CREATE FUNCTION dynamo_internal.item_set_support(internal) RETURNS internal
    LANGUAGE c STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_set_support';

CREATE FUNCTION dynamo.query(
    table_name text,
    key_condition_expression text,
    filter_expression text DEFAULT NULL,
    projection_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    index_name text DEFAULT NULL,
    scan_index_forward boolean DEFAULT true,
    exclusive_start_key dynamo.item DEFAULT NULL
) RETURNS TABLE (item dynamo.item)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100
    SUPPORT dynamo_internal.item_set_support
    AS 'MODULE_PATHNAME', 'pg_dynamo_query_items';
COMMENT ON FUNCTION dynamo.query(text, text, text, text, json, dynamo.item, text, boolean, dynamo.item)
    IS 'DynamoDB Query as a set of items, in the order of the sort key';

CREATE FUNCTION dynamo.scan(
    table_name text,
    filter_expression text DEFAULT NULL,
    projection_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    index_name text DEFAULT NULL,
    segment integer DEFAULT NULL,
    total_segments integer DEFAULT NULL,
    exclusive_start_key dynamo.item DEFAULT NULL
) RETURNS TABLE (item dynamo.item)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 1000
    SUPPORT dynamo_internal.item_set_support
    AS 'MODULE_PATHNAME', 'pg_dynamo_scan_items';
COMMENT ON FUNCTION dynamo.scan(text, text, text, json, dynamo.item, text, integer, integer, dynamo.item)
    IS 'DynamoDB Scan as a set of items, in the order of the partition keys'' hashes';

CREATE FUNCTION dynamo_internal.explain(operation text, request json) RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_explain';

CREATE FUNCTION dynamo.explain(operation text, request json) RETURNS TABLE ("QUERY PLAN" text)
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    AS $$ SELECT pg_catalog.string_to_table(dynamo_internal.explain(operation, request), E'\n') $$;
COMMENT ON FUNCTION dynamo.explain(text, json)
    IS 'Executes one page of a Query or Scan and shows its plan and how many items it reads to return how many';
