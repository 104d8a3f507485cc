-- A tour of pg_dynamo. `make run` plays it in a database of its own, `tour`, which every play makes anew.
-- What you see is each statement followed by what it answers.
set client_min_messages = warning;
drop database if exists tour with (force);
create database tour;
\connect tour
create extension pg_dynamo;
\pset tuples_only on
\pset null '(none)'

--------------------------------------------------------------------------------------------------
-- 1. Music: items are put and got by key. Artist is the partition key, SongTitle the sort key.
--------------------------------------------------------------------------------------------------
select dynamo.create_table('Music', partition_key => 'Artist', sort_key => 'SongTitle')
       #>> '{TableDescription,TableStatus}';

select dynamo.put_item('Music', '{"Artist":    {"S": "No One You Know"},
                                  "SongTitle": {"S": "Call Me Today"},
                                  "Album":     {"S": "Somewhat Famous"},
                                  "Awards":    {"N": "1"}}');

-- A put answers nothing unless it is asked to. A get answers an item, whose text form is DynamoDB JSON.
select dynamo.get_item('Music', '{"Artist": {"S": "No One You Know"}, "SongTitle": {"S": "Call Me Today"}}');

-- Only some attributes, by a projection expression.
select dynamo.get_item('Music', '{"Artist": {"S": "No One You Know"}, "SongTitle": {"S": "Call Me Today"}}',
                       projection_expression => 'Album, Awards');

-- The same operation as the API has it: a request in JSON, a reply in JSON.
select dynamo.get_item('{"TableName": "Music",
                         "Key": {"Artist": {"S": "No One You Know"}, "SongTitle": {"S": "Call Me Today"}},
                         "ProjectionExpression": "Album",
                         "ReturnConsumedCapacity": "TOTAL"}');

-- A conditional put: this song is new, so it is stored.
select dynamo.put_item('Music', '{"Artist": {"S": "Acme Band"}, "SongTitle": {"S": "Happy Day"}}',
                       condition_expression => 'attribute_not_exists(SongTitle)');

-- An update, which answers what it changed.
select dynamo.update_item('Music', '{"Artist": {"S": "No One You Know"}, "SongTitle": {"S": "Call Me Today"}}',
                          update_expression => 'SET Awards = Awards + :more, Genre = :genre',
                          expression_attribute_values => '{":more": {"N": "2"}, ":genre": {"S": "Country"}}',
                          return_values => 'UPDATED_NEW');

--------------------------------------------------------------------------------------------------
-- 2. A conditional put that fails. The song is there now, so the same condition refuses it; in SQL
--    that is an ERROR with an SQLSTATE of its own (docs/errors.md), and PL/pgSQL catches just that.
--------------------------------------------------------------------------------------------------
create table log (line text);
do $$
declare
    was text;
begin
    perform dynamo.put_item('Music', '{"Artist": {"S": "Acme Band"}, "SongTitle": {"S": "Happy Day"}, "Year": {"N": "2024"}}',
                            condition_expression => 'attribute_not_exists(SongTitle)',
                            return_values_on_condition_check_failure => 'ALL_OLD');
exception
    when sqlstate 'DY005' then  -- ConditionalCheckFailedException
        get stacked diagnostics was = pg_exception_detail;
        insert into log values (sqlerrm), (was);
end $$;
select line from log;

--------------------------------------------------------------------------------------------------
-- 3. ShoppingCart: put three items, get one, delete one.
--------------------------------------------------------------------------------------------------
select dynamo.create_table('ShoppingCart', partition_key => 'ItemName') #>> '{TableDescription,TableStatus}';

select dynamo.put_item('ShoppingCart', '{"ItemName": {"S": "Apples"},  "Quantity": {"N": "6"},  "Price": {"N": "2.40"}}');
select dynamo.put_item('ShoppingCart', '{"ItemName": {"S": "Bread"},   "Quantity": {"N": "1"},  "Price": {"N": "3.10"}}');
select dynamo.put_item('ShoppingCart', '{"ItemName": {"S": "Candles"}, "Quantity": {"N": "12"}, "Price": {"N": "0.75"}}');

select dynamo.get_item('ShoppingCart', '{"ItemName": {"S": "Bread"}}');
select dynamo.delete_item('ShoppingCart', '{"ItemName": {"S": "Candles"}}', return_values => 'ALL_OLD');

-- The items are rows of a native table, so SQL can do what DynamoDB cannot: a sum, for one.
select item ->> 'ItemName' as name, (item -> 'Quantity')::numeric * (item -> 'Price')::numeric as costs
from dynamo_tables."ShoppingCart" order by 1;
select sum((item -> 'Quantity')::numeric * (item -> 'Price')::numeric) from dynamo_tables."ShoppingCart";

--------------------------------------------------------------------------------------------------
-- 4. Books: the sort key is a number. Numbers are compared as numbers, whatever way they are written.
--------------------------------------------------------------------------------------------------
select dynamo.create_table('Books', partition_key => 'Title', sort_key => 'PublishYear', sort_key_type => 'N')
       #>> '{TableDescription,AttributeDefinitions}';

select dynamo.put_item('Books', '{"Title": {"S": "Dune"}, "PublishYear": {"N": "1965"}, "Edition": {"S": "first"}}');
select dynamo.put_item('Books', '{"Title": {"S": "Dune"}, "PublishYear": {"N": "2005"}, "Edition": {"S": "anniversary"}}');
select dynamo.get_item('Books', '{"Title": {"S": "Dune"}, "PublishYear": {"N": "1965"}}');
select dynamo.get_item('Books', '{"Title": {"S": "Dune"}, "PublishYear": {"N": "2.0050e3"}}') ->> 'Edition';

-- A query reads a range of one partition in the order of its sort key: Moby Dick, published after 1980.
select dynamo.batch_write_item('{"RequestItems": {"Books": [
    {"PutRequest": {"Item": {"Title": {"S": "Moby Dick"}, "PublishYear": {"N": "1851"}, "Publisher": {"S": "Harper"}}}},
    {"PutRequest": {"Item": {"Title": {"S": "Moby Dick"}, "PublishYear": {"N": "1992"}, "ISBN": {"S": "978-0142437247"}}}},
    {"PutRequest": {"Item": {"Title": {"S": "Moby Dick"}, "PublishYear": {"N": "1988"}, "ISBN": {"S": "978-0810102699"}}}}]}}');
select * from dynamo.query('Books', 'Title = :title and PublishYear > :year',
                           expression_attribute_values => '{":title": {"S": "Moby Dick"}, ":year": {"N": "1980"}}');

-- Only ISBN and Note are asked for; no book has a Note, so none is shown.
select * from dynamo.query('Books', 'Title = :title', projection_expression => 'ISBN, Note',
                           expression_attribute_values => '{":title": {"S": "Moby Dick"}}');

--------------------------------------------------------------------------------------------------
-- 5. Users: one item with all ten types of DynamoDB.
--------------------------------------------------------------------------------------------------
select dynamo.create_table('Users', partition_key => 'Id') #>> '{TableDescription,TableStatus}';
select dynamo.put_item('Users', '{
    "Id":       {"S": "ada"},
    "Score":    {"N": "12345678901234567890.123456789"},
    "Avatar":   {"B": "iVBORw0KGgo="},
    "Active":   {"BOOL": true},
    "Nickname": {"NULL": true},
    "Address":  {"M": {"City": {"S": "London"}, "Zip": {"S": "W1J"}}},
    "Visits":   {"L": [{"N": "3"}, {"S": "often"}, {"M": {"Page": {"S": "home"}}}]},
    "Badges":   {"SS": ["editor", "admin"]},
    "Lucky":    {"NS": ["7", "3.14", "-1"]},
    "Keys":     {"BS": ["AQI=", "Aw=="]}}');

-- Every attribute and its type, as DynamoDB JSON.
select name, item -> name
from dynamo_tables."Users", jsonb_object_keys(item::jsonb) as name
where item ->> 'Id' = 'ada' order by name;

-- As plain JSON: sets become arrays, binary base64, and no number loses a digit.
select dynamo.to_json(dynamo.get_item('Users', '{"Id": {"S": "ada"}}', 'Active, Avatar, Nickname, Score'));
select dynamo.to_json(dynamo.get_item('Users', '{"Id": {"S": "ada"}}', 'Address, Badges, Visits[2].Page'));

-- By operators: -> an attribute, ->> its text, #> and #>> a path, ? whether it is there.
select item -> 'Score' from dynamo_tables."Users";
select item ->> 'Score' from dynamo_tables."Users";
select item #> '{Address,City}', item #>> '{Visits,2,Page}' from dynamo_tables."Users";
select item ? 'Nickname', item ->> 'Nickname', item ? 'Shoes' from dynamo_tables."Users";

-- And back: from plain JSON, in the size that DynamoDB counts.
select dynamo.from_json('{"Id": "bob", "Tags": ["a", 1, null]}'), dynamo.size(dynamo.from_json('{"Id": "bob"}'));

--------------------------------------------------------------------------------------------------
-- 6. An atomic counter. Two sessions add 100 each at the same time, every addition a transaction.
--------------------------------------------------------------------------------------------------
create procedure visit(times int) language plpgsql as $$
begin
    for i in 1 .. times loop
        perform dynamo.update_item('Users', '{"Id": {"S": "counter"}}', 'ADD Hits :one',
                                   expression_attribute_values => '{":one": {"N": "1"}}');
        commit;
    end loop;
end $$;
\setenv PGHOST :HOST
\setenv PGPORT :PORT
\setenv PGUSER :USER
\setenv PGDATABASE :DBNAME
\! for session in 1 2; do psql -X -q -c 'call visit(100)' & done; wait
select dynamo.get_item('Users', '{"Id": {"S": "counter"}}') ->> 'Hits';

--------------------------------------------------------------------------------------------------
-- 7. GameScores: two other orders of the same items. The local index sorts the games of a user by score;
--    the global one finds the users of an avatar.
--------------------------------------------------------------------------------------------------
select dynamo.create_table('{"TableName": "GameScores", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Username",  "AttributeType": "S"}, {"AttributeName": "Date",   "AttributeType": "S"},
                             {"AttributeName": "HighScore", "AttributeType": "N"}, {"AttributeName": "Avatar", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "Username", "KeyType": "HASH"}, {"AttributeName": "Date", "KeyType": "RANGE"}],
    "LocalSecondaryIndexes": [{"IndexName": "ByHighScore", "Projection": {"ProjectionType": "ALL"}, "KeySchema":
        [{"AttributeName": "Username", "KeyType": "HASH"}, {"AttributeName": "HighScore", "KeyType": "RANGE"}]}],
    "GlobalSecondaryIndexes": [{"IndexName": "ByAvatar", "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema":
        [{"AttributeName": "Avatar", "KeyType": "HASH"}, {"AttributeName": "HighScore", "KeyType": "RANGE"}]}]}')
       #>> '{TableDescription,GlobalSecondaryIndexes,0,IndexStatus}';
insert into dynamo_tables."GameScores" (item) values
    ('{"Username": {"S": "dave"},  "Date": {"S": "2026-01-03"}, "HighScore": {"N": "310"},  "Avatar": {"S": "fox"}}'),
    ('{"Username": {"S": "dave"},  "Date": {"S": "2026-02-14"}, "HighScore": {"N": "95"},   "Avatar": {"S": "owl"}}'),
    ('{"Username": {"S": "dave"},  "Date": {"S": "2026-03-01"}, "HighScore": {"N": "1200"}, "Avatar": {"S": "fox"}}'),
    ('{"Username": {"S": "erin"},  "Date": {"S": "2026-01-20"}, "HighScore": {"N": "780"},  "Avatar": {"S": "fox"}}'),
    ('{"Username": {"S": "frank"}, "Date": {"S": "2026-01-21"}, "HighScore": {"N": "15"}}');

-- The two best games of dave.
select item ->> 'Date' as date, (item -> 'HighScore')::numeric as score
from dynamo.query('GameScores', 'Username = :user', index_name => 'ByHighScore', scan_index_forward => false,
                  expression_attribute_values => '{":user": {"S": "dave"}}') as item
limit 2;

-- Everybody with a fox, in the words of the API. frank has no avatar, so he is not in the index.
select dynamo.query('{"TableName": "GameScores", "IndexName": "ByAvatar", "KeyConditionExpression": "Avatar = :avatar and HighScore > :score",
                      "ExpressionAttributeValues": {":avatar": {"S": "fox"}, ":score": {"N": "300"}}, "ReturnConsumedCapacity": "INDEXES"}');
select count(*) from dynamo.scan('GameScores', index_name => 'ByAvatar');

-- A query is planned as a scan of its index: LIMIT stops it, and its order needs no sort.
explain (costs off)
select * from dynamo.query('GameScores', 'Username = :user', expression_attribute_values => '{":user": {"S": "dave"}}') as item
order by item -> 'Date' desc limit 1;

-- What was read and what came of it: a filter throws away what it has read.
select * from dynamo.explain('Scan', '{"TableName": "GameScores", "FilterExpression": "HighScore > :score",
                                       "ExpressionAttributeValues": {":score": {"N": "1000"}}}');

-- Several items at once, of several tables.
select dynamo.batch_get_item('{"RequestItems": {
    "GameScores":   {"Keys": [{"Username": {"S": "erin"}, "Date": {"S": "2026-01-20"}}], "ProjectionExpression": "HighScore"},
    "ShoppingCart": {"Keys": [{"ItemName": {"S": "Apples"}}, {"ItemName": {"S": "Pears"}}]}}}');

--------------------------------------------------------------------------------------------------
-- 8. For a server in front: an operation by name and its body, failures as answers.
--------------------------------------------------------------------------------------------------
select status, error_type, convert_from(reply, 'UTF8')
from dynamo.handle('ListTables', '{"Limit": 3}');
select status, error_type, convert_from(reply, 'UTF8')
from dynamo.handle('GetItem', '{"TableName": "Nowhere", "Key": {"Id": {"S": "1"}}}');

--------------------------------------------------------------------------------------------------
-- 9. What no DynamoDB has: one transaction over items and relational tables. It puts an item, inserts
--    an order, joins the two, and rolls both back.
--------------------------------------------------------------------------------------------------
create table orders (id int primary key, customer text not null, total numeric not null);
begin;
select dynamo.put_item('Users', '{"Id": {"S": "grace"}, "Name": {"S": "Grace"}, "City": {"S": "New York"}}');
insert into orders values (1, 'grace', 99.90);
select o.id, u.item ->> 'Name' as name, u.item ->> 'City' as city, o.total
from orders o join dynamo_tables."Users" u on u.item ->> 'Id' = o.customer;
rollback;
select count(*) as orders from orders;
select dynamo.get_item('Users', '{"Id": {"S": "grace"}}');

-- Its tables stay for a look: psql tour
