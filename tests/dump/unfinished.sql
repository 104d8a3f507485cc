-- Run by app_a: an index that cannot be finished while somebody holds an item.
select dynamo.update_table('{"TableName": "Scores", "AttributeDefinitions": [{"AttributeName": "Team", "AttributeType": "S"}],
    "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "ByTeam", "KeySchema": [{"AttributeName": "Team", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"}}}]}'::json) is not null;
