-- dynamo.partiql: statements as sets of items, joins with them, and who may run which.
\set VERBOSITY terse
SELECT dynamo.create_table('Tracks', 'Artist', sort_key => 'Track', sort_key_type => 'N') IS NOT NULL AS created;

-- Parameters stand behind the statement; an untyped literal is one of them, in DynamoDB JSON.
SELECT * FROM dynamo.partiql($$INSERT INTO "Tracks" VALUE {'Artist': 'Acme', 'Track': ?, 'Title': 'It''s', 'Tags': <<'x', 'y'>>}$$, '{"N":"1"}');
SELECT * FROM dynamo.partiql($$INSERT INTO "Tracks" VALUE {'Artist': 'Acme', 'Track': ?, 'Title': ?}$$, '{"N":"2"}', '{"S":"Two"}');
SELECT * FROM dynamo.partiql($$INSERT INTO "Tracks" VALUE {'Artist': 'Beta', 'Track': 1, 'Length': 3.5}$$);
SELECT * FROM dynamo.partiql($$INSERT INTO "Tracks" VALUE {'Artist': 'Beta', 'Track': 1}$$);

SELECT * FROM dynamo.partiql($$SELECT * FROM "Tracks" WHERE Artist = 'Acme' ORDER BY Track DESC$$);
SELECT item ->> 'Title' AS title FROM dynamo.partiql('SELECT Title FROM Tracks WHERE Artist = ? AND Track = ?', '{"S":"Acme"}', '{"N":"2"}');
SELECT * FROM dynamo.partiql('UPDATE Tracks SET Length = Length + 1, Tags = set_add(Tags, ?) WHERE Artist = ? AND Track = 1 RETURNING ALL NEW *',
                             '{"SS":["z"]}', '{"S":"Beta"}');
SELECT * FROM dynamo.partiql($$UPDATE Tracks SET Length = 0 WHERE Artist = 'Beta' AND Track = 1 AND Length < 4$$);
-- In a query like any set of rows; all of them are computed, whatever LIMIT says.
SELECT a.name, t.item ->> 'Track' AS track
FROM (VALUES ('Acme'), ('Beta')) AS a (name),
     LATERAL dynamo.partiql('SELECT Track FROM Tracks WHERE Artist = ?', format('{"S":"%s"}', a.name)::dynamo.attribute_value) AS t
ORDER BY 1, 2 LIMIT 2;
SELECT count(*) FROM dynamo.partiql('SELECT * FROM Tracks');

-- What is refused is an ERROR, with DynamoDB's words.
SELECT * FROM dynamo.partiql('SELECT * FROM Tracks WHERE');
SELECT * FROM dynamo.partiql('SELECT * FROM Nowhere');
SELECT * FROM dynamo.partiql('DELETE FROM Tracks WHERE Artist = ''Acme''');
\set VERBOSITY default
SELECT * FROM dynamo.partiql('SELECT * FROM Tracks WHERE Artist = ?');
\set VERBOSITY terse

-- In a transaction a statement takes part in it.
BEGIN;
SELECT * FROM dynamo.partiql($$DELETE FROM Tracks WHERE Artist = 'Beta' AND Track = 1 RETURNING ALL OLD *$$);
ROLLBACK;
SELECT count(*) FROM dynamo.partiql($$SELECT * FROM Tracks WHERE Artist = 'Beta'$$);
BEGIN READ ONLY;
SELECT count(*) FROM dynamo.partiql('SELECT * FROM Tracks');
SELECT * FROM dynamo.partiql($$DELETE FROM Tracks WHERE Artist = 'Beta' AND Track = 1$$);
ROLLBACK;

-- Rights are those of the operation that a statement stands for.
CREATE ROLE regress_fan;
CREATE FUNCTION tried(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    BEGIN
        PERFORM dynamo.partiql(statement);
        answer := 'done';
    EXCEPTION WHEN OTHERS THEN answer := SQLSTATE || ' ' || SQLERRM;
    END;
    RETURN answer || ' / ' || (SELECT coalesce(convert_from(reply, 'UTF8')::json ->> 'Message', convert_from(reply, 'UTF8'))
                               FROM dynamo.handle('ExecuteStatement', convert_to(json_build_object('Statement', statement)::text, 'UTF8')));
END $$;
CREATE VIEW attempts AS
SELECT verb, tried(statement) FROM (VALUES
    ('select', $$SELECT Track FROM Tracks WHERE Artist = 'Beta'$$),
    ('insert', $$INSERT INTO Tracks VALUE {'Artist': 'Acme', 'Track': 1}$$),
    ('update', $$UPDATE Tracks REMOVE Nothing WHERE Artist = 'Beta' AND Track = 1$$),
    ('delete', $$DELETE FROM Tracks WHERE Artist = 'Gone' AND Track = 1$$)) AS s (verb, statement);
ALTER VIEW attempts SET (security_invoker = true);
GRANT SELECT ON attempts TO regress_fan;
SET ROLE regress_fan;
SELECT * FROM attempts;
RESET ROLE;
GRANT SELECT ON dynamo_tables."Tracks" TO regress_fan;
SET ROLE regress_fan;
SELECT * FROM attempts;
RESET ROLE;
GRANT UPDATE, DELETE ON dynamo_tables."Tracks" TO regress_fan;
SET ROLE regress_fan;
SELECT * FROM attempts;
RESET ROLE;

DROP VIEW attempts;
DROP FUNCTION tried;
SELECT dynamo.delete_table('Tracks') IS NOT NULL AS deleted;
DROP ROLE regress_fan;
