\set n random(1, 9999)
\set score random(0, 6)
select dynamo.put_item('Pages', format('{"User": {"S": "ada"}, "Number": {"N": "%s.5"}, "Score": {"N": "%s"}, "Game": {"S": "chess"}}', :n::int, :score::int)::dynamo.item);
\set n random(1, 9999)
select dynamo.delete_item('Pages', format('{"User": {"S": "ada"}, "Number": {"N": "%s.5"}}', :n::int)::dynamo.item);
\set n random(1, 10000)
select dynamo.update_item('Pages', format('{"User": {"S": "ada"}, "Number": {"N": "%s"}}', :n::int)::dynamo.item, format('SET Touched = %sv', ':'),
                          expression_attribute_values => format('{"%sv": {"N": "%s"}}', ':', random())::dynamo.item);
