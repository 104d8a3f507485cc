\set id random(1, 100000)
select dynamo.execute_statement(format('{"Statement": "SELECT * FROM Bench WHERE Id = ?", "Parameters": [{"S": "user %s"}]}', :id::int));
