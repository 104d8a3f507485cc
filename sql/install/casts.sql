CREATE FUNCTION dynamo_internal.item_to_dynamodb_json(dynamo.item) RETURNS json
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_to_dynamodb_json';

CREATE FUNCTION dynamo_internal.item_to_dynamodb_jsonb(dynamo.item) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_to_dynamodb_jsonb';

CREATE FUNCTION dynamo_internal.item_from_dynamodb_json(json) RETURNS dynamo.item
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_from_dynamodb_json';

CREATE FUNCTION dynamo_internal.item_from_dynamodb_jsonb(jsonb) RETURNS dynamo.item
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_from_dynamodb_jsonb';

CREATE CAST (dynamo.item AS json) WITH FUNCTION dynamo_internal.item_to_dynamodb_json(dynamo.item) AS ASSIGNMENT;
CREATE CAST (dynamo.item AS jsonb) WITH FUNCTION dynamo_internal.item_to_dynamodb_jsonb(dynamo.item) AS ASSIGNMENT;
CREATE CAST (json AS dynamo.item) WITH FUNCTION dynamo_internal.item_from_dynamodb_json(json) AS ASSIGNMENT;
CREATE CAST (jsonb AS dynamo.item) WITH FUNCTION dynamo_internal.item_from_dynamodb_jsonb(jsonb) AS ASSIGNMENT;

CREATE FUNCTION dynamo_internal.attribute_value_to_dynamodb_json(dynamo.attribute_value) RETURNS json
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_to_dynamodb_json';

CREATE FUNCTION dynamo_internal.attribute_value_to_dynamodb_jsonb(dynamo.attribute_value) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_to_dynamodb_jsonb';

CREATE FUNCTION dynamo_internal.attribute_value_from_dynamodb_json(json) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_from_dynamodb_json';

CREATE FUNCTION dynamo_internal.attribute_value_from_dynamodb_jsonb(jsonb) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_from_dynamodb_jsonb';

CREATE CAST (dynamo.attribute_value AS json) WITH FUNCTION dynamo_internal.attribute_value_to_dynamodb_json(dynamo.attribute_value) AS ASSIGNMENT;
CREATE CAST (dynamo.attribute_value AS jsonb) WITH FUNCTION dynamo_internal.attribute_value_to_dynamodb_jsonb(dynamo.attribute_value) AS ASSIGNMENT;
CREATE CAST (json AS dynamo.attribute_value) WITH FUNCTION dynamo_internal.attribute_value_from_dynamodb_json(json) AS ASSIGNMENT;
CREATE CAST (jsonb AS dynamo.attribute_value) WITH FUNCTION dynamo_internal.attribute_value_from_dynamodb_jsonb(jsonb) AS ASSIGNMENT;

CREATE FUNCTION dynamo_internal.attribute_value_to_text(dynamo.attribute_value) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_to_text';

CREATE CAST (dynamo.attribute_value AS text) WITH FUNCTION dynamo_internal.attribute_value_to_text(dynamo.attribute_value);

CREATE FUNCTION dynamo_internal.attribute_value_to_numeric(dynamo.attribute_value) RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_to_numeric';

CREATE CAST (dynamo.attribute_value AS numeric) WITH FUNCTION dynamo_internal.attribute_value_to_numeric(dynamo.attribute_value);

CREATE FUNCTION dynamo_internal.attribute_value_to_boolean(dynamo.attribute_value) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_to_boolean';

CREATE CAST (dynamo.attribute_value AS boolean) WITH FUNCTION dynamo_internal.attribute_value_to_boolean(dynamo.attribute_value);

CREATE FUNCTION dynamo_internal.attribute_value_to_bytea(dynamo.attribute_value) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_to_bytea';

CREATE CAST (dynamo.attribute_value AS bytea) WITH FUNCTION dynamo_internal.attribute_value_to_bytea(dynamo.attribute_value);

CREATE FUNCTION dynamo.to_json(dynamo.item) RETURNS json
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_to_plain_json';

CREATE FUNCTION dynamo.to_json(dynamo.attribute_value) RETURNS json
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_to_plain_json';

CREATE FUNCTION dynamo.from_json(json) RETURNS dynamo.item
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_from_plain_json';

CREATE FUNCTION dynamo.value_from_json(json) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_from_plain_json';

COMMENT ON FUNCTION dynamo.to_json(dynamo.item) IS 'Plain JSON: sets become arrays, binary base64, numbers keep every digit';
COMMENT ON FUNCTION dynamo.from_json(json) IS 'An item from a plain JSON object: arrays become lists, numbers keep every digit';
