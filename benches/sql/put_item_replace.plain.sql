\set id random(1, 100000)
\set n random(1, 1000000000)
insert into plain values (format('user %s', :id::int8), format('{"Id": "user %1$s", "n": %2$s, "name": "name of somebody", "note": "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", "tags": ["a", "b", "c"]}', :id::int8, :n::int8)::jsonb)
on conflict (id) do update set item = excluded.item;
