\set customer random(0, :customers - 1)
\set order random(0, 19)
\set number :customer * 20 + :order
\set product (:number * 7919) % :customers
\set placed 1700000000 + :number
\set day :number % 365
\set quantity random(1, 1000000)
select dynamo.put_item(format('{"TableName": "%1$s", "Item": {"Customer": {"S": "customer %2$s"}, "Order": {"N": "%3$s"}, "Product": {"S": "product %4$s"}, "PlacedAt": {"N": "%5$s"}, "Day": {"S": "day %6$s"}, "Quantity": {"N": "%7$s"}, "Price": {"N": "12.50"}, "Note": {"S": "Leave it with the neighbours when nobody is at home, and please do not ring before nine in the morning. Leave it with the neighbours when nobody is at home, and please do not ring before nine in the morning."}, "Paid": {"BOOL": true}}}', :table::text, :customer::int, :order::int, :product::int, :placed::int8, :day::int, :quantity::int));
