-- The same 100,000 items of about 300 bytes, as a DynamoDB table and as the table that one would write by hand.
select dynamo.create_table('Bench', 'Id');
create table plain (id text primary key, item jsonb not null);
insert into plain
select id, jsonb_build_object('Id', id, 'n', n, 'name', 'name of ' || id, 'note', repeat(md5(id), 6), 'tags', array ['a', 'b', 'c'])
from (select n, 'user ' || n as id from generate_series(1, 100000) n) s;
insert into dynamo_tables."Bench" (item)
select format('{"Id": {"S": "%s"}, "n": {"N": "%s"}, "name": {"S": "name of %s"}, "note": {"S": "%s"}, "tags": {"SS": ["a", "b", "c"]}}',
              id, n, id, repeat(md5(id), 6))::dynamo.item
from (select n, 'user ' || n as id from generate_series(1, 100000) n) s;
vacuum analyze;
checkpoint;
