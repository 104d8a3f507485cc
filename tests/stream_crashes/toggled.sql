\set kind random(1, 3)
\set sk random(1, 30)
\set v random(1, 1000000000000)
\if :kind = 1
SELECT del('Toggled', 'sql ' || :client_id, :sk);
\else
SELECT put('Toggled', 'sql ' || :client_id, :sk, :v);
\endif
