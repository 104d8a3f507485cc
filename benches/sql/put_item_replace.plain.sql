\set id random(1, 100000)
insert into plain values (format('user %s', :id::int8), format('{"Id": "user %s", "n": 1, "name": "name of somebody", "note": "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", "tags": ["a", "b", "c"]}', :id::int8)::jsonb)
on conflict (id) do update set item = excluded.item;
