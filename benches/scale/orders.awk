# Orders of about 400 bytes for COPY, one item a line: `awk -v items=N -f orders.awk`. Twenty to a customer (the partition) and twenty to
# a product (the partition of the index ByProduct). Says on stderr how far it is.
BEGIN {
    groups = int(items / 20)
    note = "Leave it with the neighbours when nobody is at home, and please do not ring before nine in the morning. "
    note = note note
    for (i = 0; i < items; i++) {
        customer = int(i / 20)
        printf "{\"Customer\":{\"S\":\"customer %d\"},\"Order\":{\"N\":\"%d\"},\"Product\":{\"S\":\"product %d\"},\"PlacedAt\":{\"N\":\"%d\"},\"Day\":{\"S\":\"day %d\"},\"Quantity\":{\"N\":\"%d\"},\"Price\":{\"N\":\"%d.%02d\"},\"Note\":{\"S\":\"%s%d\"},\"Paid\":{\"BOOL\":true}}\n", \
            customer, i % 20, (i * 7919) % groups, 1700000000 + i, i % 365, 1 + i % 9, i % 500, i % 100, note, i
        if ((i + 1) % int(items / 10) == 0) printf "    %d of %d items\n", i + 1, items > "/dev/stderr"
    }
}
