\set customer random(0, 4999)
select * from dynamo.query('Orders', format('Customer = %1$sc and #o > %1$sn', ':'), expression_attribute_names => '{"#o": "Order"}', expression_attribute_values => format('{"%1$sc": {"S": "customer %2$s"}, "%1$sn": {"N": "4"}}', ':', :customer::int)::dynamo.item) limit 10;
