-- Both types are varlena with our own versioned bytes (docs/design.md, "Stored bytes").
CREATE TYPE dynamo.attribute_value;
CREATE TYPE dynamo.item;

CREATE FUNCTION dynamo_internal.attribute_value_in(cstring) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_in';

CREATE FUNCTION dynamo_internal.attribute_value_out(dynamo.attribute_value) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_out';

CREATE FUNCTION dynamo_internal.attribute_value_recv(internal) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_recv';

CREATE FUNCTION dynamo_internal.attribute_value_send(dynamo.attribute_value) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_send';

CREATE FUNCTION dynamo_internal.item_in(cstring) RETURNS dynamo.item
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_in';

CREATE FUNCTION dynamo_internal.item_out(dynamo.item) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_out';

CREATE FUNCTION dynamo_internal.item_recv(internal) RETURNS dynamo.item
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_recv';

CREATE FUNCTION dynamo_internal.item_send(dynamo.item) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_send';

CREATE TYPE dynamo.attribute_value (
    INPUT = dynamo_internal.attribute_value_in,
    OUTPUT = dynamo_internal.attribute_value_out,
    RECEIVE = dynamo_internal.attribute_value_recv,
    SEND = dynamo_internal.attribute_value_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = EXTENDED
);
COMMENT ON TYPE dynamo.attribute_value IS 'A DynamoDB attribute value; text form is DynamoDB JSON: {"S":"x"}';

-- EXTERNAL: a compressed datum cannot be sliced, and one attribute of a large item is read by slices.
CREATE TYPE dynamo.item (
    INPUT = dynamo_internal.item_in,
    OUTPUT = dynamo_internal.item_out,
    RECEIVE = dynamo_internal.item_recv,
    SEND = dynamo_internal.item_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = EXTERNAL
);
COMMENT ON TYPE dynamo.item IS 'A DynamoDB item; text form is DynamoDB JSON: {"Artist":{"S":"x"}}';

CREATE FUNCTION dynamo.size(dynamo.item) RETURNS int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_size';

CREATE FUNCTION dynamo.size(dynamo.attribute_value) RETURNS int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_size';

CREATE FUNCTION dynamo.attribute_type(dynamo.attribute_value) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_type';

COMMENT ON FUNCTION dynamo.size(dynamo.item) IS 'Size in bytes as DynamoDB counts it';
COMMENT ON FUNCTION dynamo.size(dynamo.attribute_value) IS 'Size in bytes as DynamoDB counts it, without the attribute name';
COMMENT ON FUNCTION dynamo.attribute_type(dynamo.attribute_value) IS 'S, N, B, BOOL, NULL, M, L, SS, NS or BS';
