//! Indexes that UpdateTable adds, changes and removes.
use super::*;

#[test]
fn a_new_index_runs_through_its_states() {
    let table = indexed("PAY_PER_REQUEST");
    let create = with(
        &["f:N", "c:S", "unused:B"],
        &[create_index("new", "f:HASH c:RANGE", "")],
    );
    let creating = change(&table, &create).unwrap();
    assert_eq!(state(&creating, "new"), IndexState::Creating);
    assert_eq!(creating.index("new").unwrap().columns(), 4);
    assert_eq!(creating.attribute_definitions.len(), 6);
    let shown = |table: &TableDefinition| describe_table_reply(table, &account(), statistics());
    assert!(shown(&creating).contains(r#""TableStatus":"UPDATING""#));
    assert!(shown(&creating).contains(r#""IndexStatus":"CREATING","Backfilling":false"#));
    let filling = creating.index_backfilling("new").unwrap();
    assert!(shown(&filling).contains(r#""TableStatus":"ACTIVE""#));
    assert!(shown(&filling).contains(r#""IndexStatus":"CREATING","Backfilling":true"#));
    let active = filling.index_active("new").unwrap();
    assert!(!shown(&active).contains("Backfilling"));
    let deleting = change(&active, &updates(&[delete_index("new")])).unwrap();
    assert_eq!(state(&deleting, "new"), IndexState::Deleting);
    assert!(shown(&deleting).contains(r#""TableStatus":"UPDATING""#));
    assert!(shown(&deleting).contains(r#""IndexStatus":"DELETING""#));
    assert_eq!(deleting.without_index("new").unwrap(), table);
}

#[test]
fn one_index_is_created_or_deleted_at_a_time() {
    let limit = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
    let table = indexed("PAY_PER_REQUEST");
    let (new, other) = (
        create_index("new", "f:HASH", ""),
        create_index("other", "f:HASH", ""),
    );
    for actions in [
        vec![new.clone(), other.clone()],
        vec![new.clone(), delete_index("global")],
        vec![delete_index("missing"), delete_index("neither")],
    ] {
        let error = change(&table, &with(&["f:S"], &actions)).unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::LimitExceeded, limit)
        );
    }
    let creating = change(&table, &with(&["f:S"], &[new])).unwrap();
    let filling = creating.index_backfilling("new").unwrap();
    let deleting = change(&table, &updates(&[delete_index("several")])).unwrap();
    for busy in [&creating, &filling, &deleting] {
        assert_eq!(
            message(busy, &with(&["f:S"], std::slice::from_ref(&other))),
            limit
        );
        assert_eq!(message(busy, &updates(&[delete_index("global")])), limit);
        // Throughput of others may change.
        let bounds = r#""OnDemandThroughput":{"MaxReadRequestUnits":9}"#;
        let changed = change(busy, &updates(&[update_index("global", bounds)])).unwrap();
        assert_eq!(changed.global_indexes[0].on_demand.unwrap().read, Some(9));
    }
    // An index that is being filled in may be deleted.
    let deleted = change(&filling, &updates(&[delete_index("new")])).unwrap();
    assert_eq!(state(&deleted, "new"), IndexState::Deleting);
}

#[test]
fn the_state_of_an_index_decides_what_may_be_done_to_it() {
    let table = indexed("PAY_PER_REQUEST");
    let creating = change(
        &table,
        &with(&["f:S"], &[create_index("new", "f:HASH", "")]),
    )
    .unwrap();
    let deleting = change(&table, &updates(&[delete_index("global")])).unwrap();
    let again = |name: &str| with(&["f:S"], &[create_index(name, "f:HASH", "")]);
    let bounds = |name: &str| {
        updates(&[update_index(
            name,
            r#""OnDemandThroughput":{"MaxReadRequestUnits":9}"#,
        )])
    };
    let drop = |name: &str| updates(&[delete_index(name)]);
    let busy = "Attempt to change a resource which is still in use: ";
    use ErrorKind::{ResourceInUse, ResourceNotFound, Validation};
    let exists = "Attempting to create an index which already exists".to_owned();
    for (table, request, kind, expected) in [
        (&table, again("global"), Validation, exists.clone()),
        (&table, again("local"), Validation, exists),
        (
            &table,
            drop("local"),
            Validation,
            "Cannot delete an index that is not a GlobalSecondaryIndex: local".to_owned(),
        ),
        (
            &table,
            bounds("local"),
            Validation,
            "Cannot update an index that is not a GlobalSecondaryIndex: local".to_owned(),
        ),
        (
            &table,
            drop("none"),
            ResourceNotFound,
            "Requested resource not found: Index none for table Books".to_owned(),
        ),
        (
            &table,
            bounds("none"),
            ResourceNotFound,
            "Requested resource not found: Index none for table Books".to_owned(),
        ),
        (
            &creating,
            again("new"),
            ResourceInUse,
            format!("{busy}Index is being created.  Table: Books Index: new"),
        ),
        (
            &creating,
            drop("new"),
            ResourceInUse,
            format!(
                "{busy}Index creation is in resource allocation phase. Retry deletion during backfilling phase or when the index is active. Table: Books Index: new"
            ),
        ),
        (
            &creating,
            bounds("new"),
            ResourceInUse,
            format!(
                "{busy}Index is being created but is not backfilling yet.  Table: Books Index: new"
            ),
        ),
        (
            &deleting,
            drop("global"),
            ResourceInUse,
            format!("{busy}Index is being deleted.  Table: Books Index: global"),
        ),
        (
            &deleting,
            bounds("global"),
            ResourceInUse,
            format!("{busy}Index is being deleted.  Table: Books Index: global"),
        ),
    ] {
        let error = change(table, &request).unwrap_err();
        assert_eq!((error.kind, error.message), (kind, expected), "{request}");
    }
    let filling = creating.index_backfilling("new").unwrap();
    assert!(change(&filling, &bounds("new")).is_ok());
}

#[test]
fn keys_of_a_new_index_are_defined_in_the_request() {
    let table = indexed("PAY_PER_REQUEST");
    let create = |keys: &str| vec![create_index("new", keys, "")];
    for (request, expected) in [
        (
            updates(&create("c:HASH")),
            format!("{INVALID}AttributeDefinitions is not specified for index: new"),
        ),
        (
            with(&["f:S"], &create("f:HASH c:RANGE")),
            "Invalid KeySchema: Some index key attribute have no definition".to_owned(),
        ),
        (
            with(&["f:S"], &create("c:HASH")),
            format!(
                "{INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys: [c], AttributeDefinitions: [f]"
            ),
        ),
        (
            with(&["c:N"], &create("c:HASH")),
            format!(
                "{INVALID}Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing schema: Schema:[SchemaElement: key{{c:S:HASH}}] New schema: Schema:[SchemaElement: key{{c:N:HASH}}]"
            ),
        ),
    ] {
        assert_eq!(message(&table, &request), expected);
    }
    // What the new key does not use is not looked at.
    let stale = with(&["c:S", "a:N", "zz:B"], &create("c:HASH"));
    let changed = change(&table, &stale).unwrap();
    assert_eq!(changed.attribute_definitions, table.attribute_definitions);
}

#[test]
fn a_table_has_at_most_twenty_global_indexes() {
    let lists: Vec<String> = (0..20)
        .map(|i| index(&format!("one{i}"), "b:HASH", ALL))
        .collect();
    let more = format!(r#","GlobalSecondaryIndexes":[{}]"#, lists.join(","));
    let full = create(&creation(&["a", "b"], "a:HASH", &more)).unwrap();
    let error = change(&full, &with(&["b:S"], &[create_index("new", "b:HASH", "")])).unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitExceeded);
    assert_eq!(
        error.message,
        "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of 20"
    );
}

#[test]
fn lists_of_updates_name_one_action_for_one_index_each() {
    let table = indexed("PAY_PER_REQUEST");
    let both = r#"{"Delete":{"IndexName":"global"},"Update":{"IndexName":"global"}}"#.to_owned();
    for (request, expected) in [
        (
            updates(&["{}".to_owned()]),
            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null",
        ),
        (
            updates(&[both]),
            "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
        ),
        (
            updates(&[delete_index("one"), delete_index("one")]),
            "Only one global secondary index update per index is allowed simultaneously. Index: one",
        ),
        (
            format!(r#"{},"DeletionProtectionEnabled":true"#, updates(&[])),
            "List of GlobalSecondaryIndexUpdates is empty",
        ),
    ] {
        assert_eq!(message(&table, &request), format!("{INVALID}{expected}"));
    }
    assert!(message(&table, &updates(&[])).starts_with("At least one of"));
}

#[test]
fn an_index_is_created_or_deleted_apart_from_other_changes() {
    let provisioned = indexed("PROVISIONED");
    let new = create_index("new", "f:HASH", &format!(",{}", units(1, 1)));
    let new = with(&["f:S"], &[new]);
    let drop = updates(&[delete_index("global")]);
    let iops = "You cannot create or delete index while updating table IOPS";
    for (request, expected) in [
        (format!("{new},{}", units(9, 9)), iops),
        (format!("{drop},{}", units(9, 9)), iops),
        (
            format!(r#"{new},"DeletionProtectionEnabled":true"#),
            "DeletionProtection modification must be the only operation in the request",
        ),
        (
            format!(r#"{new},"SSESpecification":{{"Enabled":true}}"#),
            "Server-Side Encryption modification must be the only operation in the request",
        ),
        (
            format!(r#"{new},"TableClass":"STANDARD""#),
            "TableClass modification must be the only operation in the request",
        ),
        (
            format!(r#"{new},"WarmThroughput":{{"ReadUnitsPerSecond":9}}"#),
            "Create global secondary index cannot be specified when updating WarmThroughput",
        ),
        (
            format!(r#"{drop},"WarmThroughput":{{"ReadUnitsPerSecond":9}}"#),
            "WarmThroughput must be the only operation in the request",
        ),
        (
            format!(r#"{drop},"OnDemandThroughput":{{"MaxReadRequestUnits":9}}"#),
            "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
        ),
    ] {
        assert_eq!(
            message(&provisioned, &request),
            format!("{INVALID}{expected}")
        );
    }
    let two = [
        create_index("new", "f:HASH", &format!(",{}", units(1, 1))),
        update_index("global", &units(9, 9)),
    ];
    let changed = change(&provisioned, &with(&["f:S"], &two)).unwrap();
    assert_eq!(changed.global_indexes[0].throughput.read, 9);
    assert_eq!(state(&changed, "new"), IndexState::Creating);
}

#[test]
fn throughput_of_an_index_follows_the_billing_mode() {
    let provisioned = indexed("PROVISIONED");
    let on_demand = indexed("PAY_PER_REQUEST");
    let update = |more: &str| updates(&[update_index("global", more)]);
    let only = format!(
        "{INVALID}The only Updates for index: global when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"
    );
    for (table, request, expected) in [
        (&on_demand, update(&units(1, 1)), only.clone()),
        (&on_demand, update(r#""OnDemandThroughput":{}"#), only),
        (
            &on_demand,
            update(r#""OnDemandThroughput":{"MaxReadRequestUnits":0}"#),
            format!("{INVALID}Requested MaxReadRequestUnits for OnDemandThroughput for index : global is outside of valid range"),
        ),
        (
            &on_demand,
            update(r#""WarmThroughput":{"ReadUnitsPerSecond":100}"#),
            format!("{INVALID}Requested ReadUnitsPerSecond for WarmThroughput for index global is lower than current WarmThroughput, decreasing WarmThroughput is not supported"),
        ),
        (
            &on_demand,
            updates(&[update_index("none", r#""WarmThroughput":{}"#)]),
            format!("{INVALID}WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for index: none"),
        ),
        (
            &on_demand,
            with(&["f:S"], &[create_index("new", "f:HASH", &format!(",{}", units(1, 1)))]),
            format!("{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: new when BillingMode is PAY_PER_REQUEST"),
        ),
        (
            &provisioned,
            with(&["f:S"], &[create_index("new", "f:HASH", "")]),
            format!("{INVALID}Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: new"),
        ),
        (
            &provisioned,
            update(r#""OnDemandThroughput":{"MaxReadRequestUnits":5}"#),
            format!("{INVALID}MaxReadRequestUnits for OnDemandThroughput for index : global cannot be specified when the table BillingMode is PROVISIONED"),
        ),
        (
            &provisioned,
            update(&units(1_000_000_000_001, 1)),
            "This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: Action Blocked: IndexUpdate".to_owned(),
        ),
        (
            &provisioned,
            update(&units(5, 6)),
            "The provisioned throughput for the index global will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for index global: 5. Requested ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for index global: 6. Requested WriteCapacityUnits: 6. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.".to_owned(),
        ),
    ] {
        assert_eq!(message(table, &request), expected);
    }
    let less = change(&provisioned, &update(&units(2, 9))).unwrap();
    let index = &less.global_indexes[0];
    assert_eq!((index.throughput.read, index.throughput.write), (2, 9));
    assert_eq!(index.throughput.decreases_today, 1);
    assert_eq!(less.throughput, provisioned.throughput);
    // What was warm stays warm.
    let warm = less.warm_units_of(index);
    assert_eq!((warm.read, warm.write), (Some(5), Some(9)));
}

#[test]
fn a_table_that_becomes_provisioned_names_units_for_every_index() {
    let on_demand = indexed("PAY_PER_REQUEST");
    let mode = format!(r#""BillingMode":"PROVISIONED",{}"#, units(3, 3));
    assert_eq!(
        message(&on_demand, &mode),
        format!("{INVALID}ProvisionedThroughput must be specified for index: global,several")
    );
    let bounds = r#""OnDemandThroughput":{"MaxReadRequestUnits":9}"#;
    let bounded = change(&on_demand, &updates(&[update_index("global", bounds)])).unwrap();
    let both = [
        update_index("global", &units(4, 4)),
        update_index("several", &units(5, 5)),
    ];
    let provisioned = change(&bounded, &format!("{mode},{}", updates(&both))).unwrap();
    let reads: Vec<i64> = provisioned
        .global_indexes
        .iter()
        .map(|i| i.throughput.read)
        .collect();
    assert_eq!((provisioned.throughput.read, reads), (3, vec![4, 5]));
    assert_eq!(provisioned.global_indexes[0].on_demand, None);
    let back = change(&provisioned, r#""BillingMode":"PAY_PER_REQUEST""#).unwrap();
    let throughput = &back.global_indexes[0].throughput;
    assert_eq!(
        (
            throughput.read,
            throughput.write,
            throughput.decreases_today
        ),
        (0, 0, 1)
    );
}

#[test]
fn throughput_of_a_table_waits_for_its_indexes() {
    let table = indexed("PROVISIONED");
    let new = create_index("new", "f:HASH", &format!(",{}", units(1, 1)));
    let creating = change(&table, &with(&["f:S"], &[new])).unwrap();
    let deleting = change(&table, &updates(&[delete_index("global")])).unwrap();
    let busy = "Attempt to change a resource which is still in use: Can't change table IOPS when an index is being";
    let to_on_demand = r#""BillingMode":"PAY_PER_REQUEST""#;
    for request in [units(9, 9).as_str(), to_on_demand] {
        assert_eq!(
            message(&creating, request),
            format!("{busy} created. Table: Books Indexes: [new]")
        );
        assert_eq!(
            message(&deleting, request),
            format!("{busy} deleted. Table: Books Indexes: [global]")
        );
        let filling = creating.index_backfilling("new").unwrap();
        assert!(change(&filling, request).is_ok());
    }
    assert!(change(&deleting, r#""DeletionProtectionEnabled":true"#).is_ok());
    let bounds = r#""OnDemandThroughput":{"MaxReadRequestUnits":9}"#;
    let on_demand = indexed("PAY_PER_REQUEST");
    let deleting = change(&on_demand, &updates(&[delete_index("global")])).unwrap();
    assert_eq!(
        message(&deleting, bounds),
        "Attempt to change a resource which is still in use: OnDemandThroughput cannot be updated while index deletion is in progress for indexes: [global]"
    );
}

#[test]
fn a_table_is_not_deleted_while_an_index_is_built() {
    let table = indexed("PAY_PER_REQUEST");
    let request = json(r#"{"TableName":"Books"}"#);
    let request = DeleteTableRequest::parse(&request, &account()).unwrap();
    assert!(request.check(&table).is_ok());
    let creating = change(
        &table,
        &with(&["f:S"], &[create_index("new", "f:HASH", "")]),
    )
    .unwrap();
    let filling = creating.index_backfilling("new").unwrap();
    let deleting = change(&filling, &updates(&[delete_index("new")])).unwrap();
    for busy in [creating, filling, deleting] {
        let error = request.check(&busy).unwrap_err();
        assert_eq!(error.kind, ErrorKind::ResourceInUse);
        assert_eq!(
            error.message,
            "Attempt to change a resource which is still in use: Cannot delete table while indexes are being created, updated, or deleted."
        );
    }
}
