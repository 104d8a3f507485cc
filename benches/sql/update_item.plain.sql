\set id random(1, 100000)
update plain set item = jsonb_set(item, '{n}', to_jsonb((item ->> 'n')::numeric + 1)) where id = format('user %s', :id::int);
