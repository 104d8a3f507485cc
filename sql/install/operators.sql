-- Operators stand in the schema named at CREATE EXTENSION (public by default), so that they are
-- found with an ordinary search_path; the types they take keep them apart from everyone else's.

CREATE FUNCTION dynamo_internal.item_get(dynamo.item, text) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_get';

CREATE FUNCTION dynamo_internal.item_get_text(dynamo.item, text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_get_text';

CREATE FUNCTION dynamo_internal.item_get_path(dynamo.item, text[]) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_get_path';

CREATE FUNCTION dynamo_internal.item_get_path_text(dynamo.item, text[]) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_get_path_text';

CREATE FUNCTION dynamo_internal.item_has(dynamo.item, text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_has';

CREATE FUNCTION dynamo_internal.item_eq(dynamo.item, dynamo.item) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_eq';

CREATE FUNCTION dynamo_internal.item_ne(dynamo.item, dynamo.item) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_ne';

CREATE FUNCTION dynamo_internal.item_hash(dynamo.item) RETURNS int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_hash';

CREATE FUNCTION dynamo_internal.item_hash_extended(dynamo.item, int8) RETURNS int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_hash_extended';

CREATE FUNCTION dynamo_internal.attribute_value_get(dynamo.attribute_value, text) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_get';

CREATE FUNCTION dynamo_internal.attribute_value_element(dynamo.attribute_value, int4) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_element';

CREATE FUNCTION dynamo_internal.attribute_value_get_path(dynamo.attribute_value, text[]) RETURNS dynamo.attribute_value
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_get_path';

CREATE FUNCTION dynamo_internal.attribute_value_get_text(dynamo.attribute_value, text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_get_text';

CREATE FUNCTION dynamo_internal.attribute_value_element_text(dynamo.attribute_value, int4) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_element_text';

CREATE FUNCTION dynamo_internal.attribute_value_get_path_text(dynamo.attribute_value, text[]) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_get_path_text';

CREATE FUNCTION dynamo_internal.attribute_value_has(dynamo.attribute_value, text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_has';

CREATE FUNCTION dynamo_internal.attribute_value_eq(dynamo.attribute_value, dynamo.attribute_value) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_eq';

CREATE FUNCTION dynamo_internal.attribute_value_ne(dynamo.attribute_value, dynamo.attribute_value) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_ne';

CREATE FUNCTION dynamo_internal.attribute_value_lt(dynamo.attribute_value, dynamo.attribute_value) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_lt';

CREATE FUNCTION dynamo_internal.attribute_value_le(dynamo.attribute_value, dynamo.attribute_value) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_le';

CREATE FUNCTION dynamo_internal.attribute_value_gt(dynamo.attribute_value, dynamo.attribute_value) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_gt';

CREATE FUNCTION dynamo_internal.attribute_value_ge(dynamo.attribute_value, dynamo.attribute_value) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_ge';

CREATE FUNCTION dynamo_internal.attribute_value_cmp(dynamo.attribute_value, dynamo.attribute_value) RETURNS int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_cmp';

CREATE FUNCTION dynamo_internal.attribute_value_hash(dynamo.attribute_value) RETURNS int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_hash';

CREATE FUNCTION dynamo_internal.attribute_value_hash_extended(dynamo.attribute_value, int8) RETURNS int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_attribute_value_hash_extended';

CREATE OPERATOR @extschema@.-> (LEFTARG = dynamo.item, RIGHTARG = text, FUNCTION = dynamo_internal.item_get);
CREATE OPERATOR @extschema@.->> (LEFTARG = dynamo.item, RIGHTARG = text, FUNCTION = dynamo_internal.item_get_text);
CREATE OPERATOR @extschema@.#> (LEFTARG = dynamo.item, RIGHTARG = text[], FUNCTION = dynamo_internal.item_get_path);
CREATE OPERATOR @extschema@.#>> (LEFTARG = dynamo.item, RIGHTARG = text[], FUNCTION = dynamo_internal.item_get_path_text);
CREATE OPERATOR @extschema@.? (LEFTARG = dynamo.item, RIGHTARG = text, FUNCTION = dynamo_internal.item_has);
CREATE OPERATOR @extschema@.-> (LEFTARG = dynamo.attribute_value, RIGHTARG = text, FUNCTION = dynamo_internal.attribute_value_get);
CREATE OPERATOR @extschema@.->> (LEFTARG = dynamo.attribute_value, RIGHTARG = text, FUNCTION = dynamo_internal.attribute_value_get_text);
CREATE OPERATOR @extschema@.-> (LEFTARG = dynamo.attribute_value, RIGHTARG = int4, FUNCTION = dynamo_internal.attribute_value_element);
CREATE OPERATOR @extschema@.->> (LEFTARG = dynamo.attribute_value, RIGHTARG = int4, FUNCTION = dynamo_internal.attribute_value_element_text);
CREATE OPERATOR @extschema@.#> (LEFTARG = dynamo.attribute_value, RIGHTARG = text[], FUNCTION = dynamo_internal.attribute_value_get_path);
CREATE OPERATOR @extschema@.#>> (LEFTARG = dynamo.attribute_value, RIGHTARG = text[], FUNCTION = dynamo_internal.attribute_value_get_path_text);
CREATE OPERATOR @extschema@.? (LEFTARG = dynamo.attribute_value, RIGHTARG = text, FUNCTION = dynamo_internal.attribute_value_has);
CREATE OPERATOR @extschema@.= (LEFTARG = dynamo.item, RIGHTARG = dynamo.item, FUNCTION = dynamo_internal.item_eq, COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR @extschema@.<> (LEFTARG = dynamo.item, RIGHTARG = dynamo.item, FUNCTION = dynamo_internal.item_ne, COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR @extschema@.= (LEFTARG = dynamo.attribute_value, RIGHTARG = dynamo.attribute_value, FUNCTION = dynamo_internal.attribute_value_eq, COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR @extschema@.<> (LEFTARG = dynamo.attribute_value, RIGHTARG = dynamo.attribute_value, FUNCTION = dynamo_internal.attribute_value_ne, COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR @extschema@.< (LEFTARG = dynamo.attribute_value, RIGHTARG = dynamo.attribute_value, FUNCTION = dynamo_internal.attribute_value_lt, COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR @extschema@.<= (LEFTARG = dynamo.attribute_value, RIGHTARG = dynamo.attribute_value, FUNCTION = dynamo_internal.attribute_value_le, COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR @extschema@.> (LEFTARG = dynamo.attribute_value, RIGHTARG = dynamo.attribute_value, FUNCTION = dynamo_internal.attribute_value_gt, COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR @extschema@.>= (LEFTARG = dynamo.attribute_value, RIGHTARG = dynamo.attribute_value, FUNCTION = dynamo_internal.attribute_value_ge, COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);

CREATE OPERATOR CLASS @extschema@.item_ops DEFAULT FOR TYPE dynamo.item USING hash AS
    OPERATOR 1 @extschema@.= (dynamo.item, dynamo.item),
    FUNCTION 1 dynamo_internal.item_hash(dynamo.item),
    FUNCTION 2 dynamo_internal.item_hash_extended(dynamo.item, int8);

CREATE OPERATOR CLASS @extschema@.attribute_value_ops DEFAULT FOR TYPE dynamo.attribute_value USING hash AS
    OPERATOR 1 @extschema@.= (dynamo.attribute_value, dynamo.attribute_value),
    FUNCTION 1 dynamo_internal.attribute_value_hash(dynamo.attribute_value),
    FUNCTION 2 dynamo_internal.attribute_value_hash_extended(dynamo.attribute_value, int8);

-- Within S, N and B the order is DynamoDB's; a btree needs a total order, so types follow one another
-- in a fixed sequence and documents and sets compare by their canonical bytes.
CREATE OPERATOR CLASS @extschema@.attribute_value_ops DEFAULT FOR TYPE dynamo.attribute_value USING btree AS
    OPERATOR 1 @extschema@.< (dynamo.attribute_value, dynamo.attribute_value),
    OPERATOR 2 @extschema@.<= (dynamo.attribute_value, dynamo.attribute_value),
    OPERATOR 3 @extschema@.= (dynamo.attribute_value, dynamo.attribute_value),
    OPERATOR 4 @extschema@.>= (dynamo.attribute_value, dynamo.attribute_value),
    OPERATOR 5 @extschema@.> (dynamo.attribute_value, dynamo.attribute_value),
    FUNCTION 1 dynamo_internal.attribute_value_cmp(dynamo.attribute_value, dynamo.attribute_value);
