\set item random(1, :items)
SELECT renew('Plain', :item);
