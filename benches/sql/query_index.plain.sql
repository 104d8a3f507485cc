\set product random(0, 4999)
select item from plain_orders where product = format('product %s', :product::int) and placed > 4 order by placed limit 10;
