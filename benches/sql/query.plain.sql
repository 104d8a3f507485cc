\set customer random(0, 4999)
select item from plain_orders where customer = format('customer %s', :customer::int) and number > 4 order by number limit 10;
