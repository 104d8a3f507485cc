-- Run by app_a, an ordinary role that may create tables.
select dynamo.create_table('{"TableName": "Music", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Artist", "AttributeType": "S"}, {"AttributeName": "SongTitle", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "SongTitle", "KeyType": "RANGE"}]}'::json) is not null;
select dynamo.create_table('{"TableName": "with-dash.and.dot", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "N"}],
    "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}]}'::json) is not null;
select count(dynamo.put_item(format('{"TableName": "Music", "Item": {"Artist": {"S": "artist %s"}, "SongTitle": {"S": "title %s"},
    "Nul": {"S": "a\u0000b"}, "Bytes": {"B": "AAEC/w=="}, "Many": {"NS": ["1", "2.50", "1E-100"]},
    "Deep": {"M": {"l": {"L": [{"BOOL": true}, {"NULL": true}, {"S": "%s"}]}}}}}', n % 10, n, repeat('x', n * 20))::json))
from generate_series(1, 300) n;
select count(dynamo.put_item(format('{"TableName": "with-dash.and.dot", "Item": {"Id": {"N": "%s"}}}', n)::json))
from generate_series(-20, 20) n;
-- A backup, and what was before, as it stands in the history.
select dynamo.update_continuous_backups('Music', true, 7) is not null;
select count(dynamo.update_item(format('{"TableName": "Music", "Key": {"Artist": {"S": "artist %s"}, "SongTitle": {"S": "title %s"}}, "UpdateExpression": "REMOVE Deep"}', n % 10, n)::json))
from generate_series(1, 5) n;
select dynamo.create_backup('with-dash.and.dot', 'kept') is not null;
create table orders (id int primary key, artist text not null);
insert into orders values (1, 'artist 1');
select dynamo.create_table('{"TableName": "Scores", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "User", "AttributeType": "S"}, {"AttributeName": "Day", "AttributeType": "N"},
        {"AttributeName": "Score", "AttributeType": "N"}, {"AttributeName": "it''s \\ \"quoted\"", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "User", "KeyType": "HASH"}, {"AttributeName": "Day", "KeyType": "RANGE"}],
    "LocalSecondaryIndexes": [{"IndexName": "ByScore", "KeySchema": [{"AttributeName": "User", "KeyType": "HASH"}, {"AttributeName": "Score", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"}}],
    "GlobalSecondaryIndexes": [{"IndexName": "ByQuote", "KeySchema": [{"AttributeName": "it''s \\ \"quoted\"", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"}}]}'::json) is not null;
select count(dynamo.put_item(format('{"TableName": "Scores", "Item": {"User": {"S": "user %s"}, "Day": {"N": "%s"}, "Score": {"N": "%s"},
    "Team": {"S": "team %s"}, "it''s \\ \"quoted\"": {"S": "%s"}}}', n % 5, n, n % 7, n % 3, n % 11)::json))
from generate_series(1, 100) n;
select dynamo.update_time_to_live('Music', 'Expires') is not null;
-- A stream: of it a dump has what was asked for, and the marks of the data table.
select dynamo.create_table('{"TableName": "Streamed", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
    "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}}'::json) is not null;
