\set id random(0, 1999)
select dynamo.execute_statement(format('{"Statement":"SELECT * FROM Bench WHERE Id = ?","Parameters":[{"S":"user %s"}]}', :id::int));
