-- Transactions: all actions on items of several tables or none, and reads of one moment.

-- What transactions with a ClientRequestToken have done in the last ten minutes, so that a repetition is known. Written
-- in the transaction it tells of. Not part of a dump. Roles stand here by oid: nobody else's token is ever known.
CREATE TABLE dynamo_internal.transaction_token (
    role oid NOT NULL,
    operation text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    -- SHA-256 of what was asked for.
    fingerprint bytea NOT NULL,
    -- Bytes of the items, as DynamoDB counts them: what a repetition is said to read.
    sizes int8[] NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (role, operation, token)
);
CREATE INDEX transaction_token_expires ON dynamo_internal.transaction_token (expires);

CREATE FUNCTION dynamo.transact_write_items(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_write_items';
COMMENT ON FUNCTION dynamo.transact_write_items(json) IS 'DynamoDB TransactWriteItems: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.transact_get_items(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_get_items';
COMMENT ON FUNCTION dynamo.transact_get_items(json) IS 'DynamoDB TransactGetItems: request and reply in the JSON of the API';

-- As text, see operations.sql.
CREATE FUNCTION dynamo.transact_write_items(request text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_write_items';
COMMENT ON FUNCTION dynamo.transact_write_items(text) IS 'DynamoDB TransactWriteItems: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.transact_get_items(request text) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_get_items';
COMMENT ON FUNCTION dynamo.transact_get_items(text) IS 'DynamoDB TransactGetItems: request and reply in the JSON of the API';

-- The same from typed items: select dynamo.transact_write_items(NULL, dynamo.transact_put('Orders', '{…}'),
-- dynamo.transact_check('Customers', '{…}', 'attribute_exists(Id)')). The token comes first and the actions are variadic,
-- so a call with a request alone can only mean the form above.
CREATE FUNCTION dynamo.transact_write_items(client_request_token text, VARIADIC actions json[]) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_write_items_named';
COMMENT ON FUNCTION dynamo.transact_write_items(text, json[]) IS 'DynamoDB TransactWriteItems of actions made by dynamo.transact_put, _update, _delete and _check; the token may be NULL';

-- The actions. A member that is null counts as absent.
CREATE FUNCTION dynamo.transact_put(
    table_name text,
    item dynamo.item,
    condition_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values_on_condition_check_failure text DEFAULT NULL
) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.json_build_object('Put', pg_catalog.json_build_object(
        'TableName', table_name,
        'Item', item::pg_catalog.text::pg_catalog.json,
        'ConditionExpression', condition_expression,
        'ExpressionAttributeNames', expression_attribute_names,
        'ExpressionAttributeValues', expression_attribute_values::pg_catalog.text::pg_catalog.json,
        'ReturnValuesOnConditionCheckFailure', return_values_on_condition_check_failure));
COMMENT ON FUNCTION dynamo.transact_put(text, dynamo.item, text, json, dynamo.item, text) IS 'A Put for dynamo.transact_write_items';

CREATE FUNCTION dynamo.transact_update(
    table_name text,
    key dynamo.item,
    update_expression text,
    condition_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values_on_condition_check_failure text DEFAULT NULL
) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.json_build_object('Update', pg_catalog.json_build_object(
        'TableName', table_name,
        'Key', key::pg_catalog.text::pg_catalog.json,
        'UpdateExpression', update_expression,
        'ConditionExpression', condition_expression,
        'ExpressionAttributeNames', expression_attribute_names,
        'ExpressionAttributeValues', expression_attribute_values::pg_catalog.text::pg_catalog.json,
        'ReturnValuesOnConditionCheckFailure', return_values_on_condition_check_failure));
COMMENT ON FUNCTION dynamo.transact_update(text, dynamo.item, text, text, json, dynamo.item, text) IS 'An Update for dynamo.transact_write_items';

CREATE FUNCTION dynamo.transact_delete(
    table_name text,
    key dynamo.item,
    condition_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values_on_condition_check_failure text DEFAULT NULL
) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.json_build_object('Delete', pg_catalog.json_build_object(
        'TableName', table_name,
        'Key', key::pg_catalog.text::pg_catalog.json,
        'ConditionExpression', condition_expression,
        'ExpressionAttributeNames', expression_attribute_names,
        'ExpressionAttributeValues', expression_attribute_values::pg_catalog.text::pg_catalog.json,
        'ReturnValuesOnConditionCheckFailure', return_values_on_condition_check_failure));
COMMENT ON FUNCTION dynamo.transact_delete(text, dynamo.item, text, json, dynamo.item, text) IS 'A Delete for dynamo.transact_write_items';

CREATE FUNCTION dynamo.transact_check(
    table_name text,
    key dynamo.item,
    condition_expression text,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values_on_condition_check_failure text DEFAULT NULL
) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.json_build_object('ConditionCheck', pg_catalog.json_build_object(
        'TableName', table_name,
        'Key', key::pg_catalog.text::pg_catalog.json,
        'ConditionExpression', condition_expression,
        'ExpressionAttributeNames', expression_attribute_names,
        'ExpressionAttributeValues', expression_attribute_values::pg_catalog.text::pg_catalog.json,
        'ReturnValuesOnConditionCheckFailure', return_values_on_condition_check_failure));
COMMENT ON FUNCTION dynamo.transact_check(text, dynamo.item, text, json, dynamo.item, text) IS 'A ConditionCheck for dynamo.transact_write_items';
