\set id random(1, 100000)
select item from plain where id = format('user %s', :id::int);
