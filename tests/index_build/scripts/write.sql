\set game random(1, :items)
\set team random(1, 500)
\set points random(-1000, 1000)
\set choice random(1, 10)
SELECT play(:choice, :game, :team, :points);
