-- Tables and items as the old release stores them.
select dynamo.create_table('{"TableName": "Music", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Artist", "AttributeType": "S"}, {"AttributeName": "Year", "AttributeType": "N"}],
    "KeySchema": [{"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "Year", "KeyType": "RANGE"}]}'::json) is not null as created;
select count(dynamo.put_item(format('{"TableName": "Music", "Item": {"Artist": {"S": "artist %s"}, "Year": {"N": "%s"},
    "Str": {"S": "a\u0000b"}, "Num": {"N": "-1.5E-100"}, "Bin": {"B": "AAEC/w=="}, "Bool": {"BOOL": true}, "Null": {"NULL": true},
    "Map": {"M": {"a": {"S": ""}}}, "List": {"L": [{"N": "1"}, {"L": []}]},
    "SS": {"SS": ["b", "a"]}, "NS": {"NS": ["10", "9.50"]}, "BS": {"BS": ["/w==", "AA=="]}}}', n % 3, n - 10)::json))
from generate_series(1, 30) n;
