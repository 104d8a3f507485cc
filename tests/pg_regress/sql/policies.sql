-- Resource policies: what they grant, take back and leave alone, and whom the endpoint lets do what.
\set VERBOSITY terse
CREATE ROLE regress_owner;
CREATE ROLE regress_reader;
CREATE ROLE regress_writer;
CREATE ROLE regress_member IN ROLE regress_reader;
CREATE ROLE "regress ""odd""; drop table x; --";
GRANT CREATE ON SCHEMA dynamo_tables TO regress_owner;

-- GRANTs on the table, the owner's own left out.
CREATE VIEW granted AS
SELECT a.grantee::regrole AS role, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
FROM pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.relname = 'Governed' AND c.relnamespace = 'dynamo_tables'::regnamespace AND a.grantee <> c.relowner
GROUP BY 1;
GRANT SELECT ON granted TO PUBLIC;
-- A policy of statements {role: actions}.
CREATE FUNCTION policy(statements json) RETURNS text LANGUAGE sql AS $$
    SELECT json_build_object('Version', '2012-10-17', 'Statement', json_agg(json_build_object(
        'Effect', 'Allow', 'Action', s.value, 'Resource', '*',
        'Principal', json_build_object('AWS', 'arn:aws:iam::000000000000:role/' || s.key))))::text
    FROM json_each(statements) AS s
$$;
CREATE FUNCTION attach(statements json) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dynamo.put_resource_policy(json_build_object(
        'ResourceArn', 'arn:aws:dynamodb:local:000000000000:table/Governed', 'Policy', policy(statements)));
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION detach() RETURNS json LANGUAGE sql AS $$
    SELECT dynamo.delete_resource_policy('{"ResourceArn":"arn:aws:dynamodb:local:000000000000:table/Governed"}')
$$;

SET ROLE regress_owner;
SELECT dynamo.create_table('Governed', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.put_item('Governed', '{"id":{"S":"a"}}');

-- What actions need is granted, and no more.
SELECT attach('{"regress_reader":["dynamodb:GetItem"],"regress_writer":["dynamodb:PutItem","dynamodb:DeleteItem"]}');
SELECT * FROM granted ORDER BY role::text;
-- Replaced: what the new policy does not need is taken back.
SELECT attach('{"regress_reader":["dynamodb:Query"],"regress_writer":["dynamodb:GetItem"]}');
SELECT * FROM granted ORDER BY role::text;
-- What a role was given otherwise is not the policy's to take.
GRANT INSERT ON dynamo_tables."Governed" TO regress_writer;
SELECT attach('{"regress_writer":["dynamodb:PutItem"]}');
SELECT * FROM granted ORDER BY role::text;
SELECT detach() ->> 'RevisionId' IS NOT NULL AS deleted;
SELECT * FROM granted ORDER BY role::text;
SELECT detach();
REVOKE INSERT ON dynamo_tables."Governed" FROM regress_writer;

-- Nothing changes when a role does not exist, or when something cannot be granted.
SELECT attach('{"regress_reader":["dynamodb:GetItem"]}');
SELECT attach('{"regress_writer":["dynamodb:GetItem"],"regress_missing":["dynamodb:GetItem"]}');
SELECT attach('{"regress_writer":["dynamodb:DeleteTable"]}');
SELECT * FROM granted ORDER BY role::text;
-- A name is an identifier, whatever stands in it.
SELECT attach('{"regress \"odd\"; drop table x; --":["dynamodb:Scan"]}');
SELECT * FROM granted ORDER BY role::text;
-- The policy and its grants are one transaction.
BEGIN;
SELECT attach('{"regress_writer":["dynamodb:*"]}');
SELECT * FROM granted ORDER BY role::text;
ROLLBACK;
SELECT * FROM granted ORDER BY role::text;
-- Only the owner may.
SET ROLE regress_reader;
SELECT attach('{"regress_reader":["dynamodb:*"]}');
SELECT detach();

-- The endpoint knows the actions; in SQL the privileges decide.
SET ROLE regress_owner;
SELECT attach('{"regress_reader":["dynamodb:GetItem"]}');
RESET ROLE;
CREATE TABLE attempts (n serial, operation text, request text);
INSERT INTO attempts (operation, request) VALUES
    ('GetItem', '{"TableName":"Governed","Key":{"id":{"S":"a"}}}'),
    ('Scan', '{"TableName":"Governed"}'),
    ('BatchGetItem', '{"RequestItems":{"Governed":{"Keys":[{"id":{"S":"a"}}]}}}'),
    ('PutItem', '{"TableName":"Governed","Item":{"id":{"S":"b"}}}');
GRANT SELECT ON attempts TO PUBLIC;
CREATE FUNCTION answers() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE a record; h record;
BEGIN
    FOR a IN SELECT * FROM attempts ORDER BY n LOOP
        SELECT * INTO h FROM dynamo.handle(a.operation, convert_to(a.request, 'UTF8'));
        RETURN NEXT a.operation || ' ' || coalesce(h.error_type, 'done');
    END LOOP;
END $$;
SET ROLE regress_reader;
SELECT * FROM answers();
SELECT count(*) FROM dynamo_tables."Governed";
-- A member of the role has its rights, and no more of them.
SET ROLE regress_member;
SELECT * FROM answers();
SET ROLE regress_writer;
SELECT * FROM answers();
-- Who may read apart from the policy is not bound by it.
RESET ROLE;
GRANT SELECT ON dynamo_tables."Governed" TO regress_member;
SET ROLE regress_member;
SELECT * FROM answers();
SET ROLE regress_owner;
SELECT * FROM answers();
-- The policy of a new table.
SELECT dynamo.delete_table('Governed') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.create_table(json_build_object('TableName', 'Governed', 'BillingMode', 'PAY_PER_REQUEST',
    'AttributeDefinitions', json_build_array(json_build_object('AttributeName', 'id', 'AttributeType', 'S')),
    'KeySchema', json_build_array(json_build_object('AttributeName', 'id', 'KeyType', 'HASH')),
    'ResourcePolicy', policy('{"regress_reader":"dynamodb:GetItem"}'))) -> 'TableDescription' ->> 'TableStatus' AS status;
RESET ROLE;
SELECT * FROM granted;
SET ROLE regress_owner;
SELECT dynamo.get_resource_policy('{"ResourceArn":"arn:aws:dynamodb:local:000000000000:table/Governed"}') ->> 'Policy' AS policy;
SELECT dynamo.delete_table('Governed') -> 'TableDescription' ->> 'TableStatus' AS status;
RESET ROLE;
DROP VIEW granted;
DROP FUNCTION answers, attach, detach, policy;
DROP TABLE attempts;
REVOKE CREATE ON SCHEMA dynamo_tables FROM regress_owner;
DROP ROLE regress_owner, regress_member, regress_reader, regress_writer, "regress ""odd""; drop table x; --";
