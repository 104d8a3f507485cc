//! Backups and point-in-time recovery through SQL, up to the commit: what the worker does is the suite `backups`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn create(table: &str) -> Value {
        call(
            "create_backup",
            &json!({"TableName": table, "BackupName": "nightly"}),
        )["BackupDetails"]
            .clone()
    }

    fn recovery(table: &str, specification: &Value) -> Value {
        let request =
            json!({"TableName": table, "PointInTimeRecoverySpecification": specification});
        let reply = call("update_continuous_backups", &request);
        reply["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"].clone()
    }

    fn on(table: &str) -> Value {
        recovery(table, &json!({"PointInTimeRecoveryEnabled": true}))
    }

    /// What the history of a table says, in the order of its changes.
    fn history(table: &str) -> Vec<String> {
        let sql = format!(
            "SELECT coalesce(string_agg(coalesce(item::text, 'nothing'), E'\\n' ORDER BY change), '')
             FROM dynamo_history.\"{table}\" WHERE at IS NULL"
        );
        let all = text(&sql).unwrap_or_default();
        all.lines().map(str::to_owned).collect()
    }

    #[pg_test]
    fn create_backup_answers_a_backup_that_is_being_made() {
        simple_table("backup_made");
        let details = create("backup_made");
        assert_eq!(details["BackupStatus"], "CREATING");
        assert_eq!(details["BackupType"], "USER");
        let arn = details["BackupArn"].clone();
        let described =
            call("describe_backup", &json!({"BackupArn": arn}))["BackupDescription"].clone();
        assert_eq!(described["BackupDetails"], details);
        assert_eq!(described["SourceTableDetails"]["TableName"], "backup_made");
        let listed = call("list_backups", &json!({"TableName": "backup_made"}));
        assert_eq!(listed["BackupSummaries"][0]["BackupArn"], arn);
        expect_refusal(
            "delete_backup",
            &json!({"BackupArn": arn}),
            ("DY024", "BackupInUseException"),
            &format!(
                "Backup is being created: {}",
                arn.as_str().unwrap_or_default()
            ),
        );
        expect_refusal(
            "restore_table_from_backup",
            &json!({"BackupArn": arn, "TargetTableName": "backup_made_too_early"}),
            ("DY024", "BackupInUseException"),
            &format!(
                "Backup is being created: {}",
                arn.as_str().unwrap_or_default()
            ),
        );
        expect_refusal(
            "delete_table",
            &json!({"TableName": "backup_made"}),
            ("DY004", "ResourceInUseException"),
            "Attempt to change a resource which is still in use: Table is being backed up or restored from: backup_made",
        );
    }

    #[pg_test]
    fn backups_given_up_are_resumed_by_their_owner() {
        simple_table("backup_given_up");
        create("backup_given_up");
        run("INSERT INTO dynamo_internal.backup_job (kind, id, gave_up)
             SELECT kind, id, true FROM dynamo_internal.backup_work WHERE kind = 'backup'");
        let phase = || text("SELECT phase FROM dynamo.backup_jobs");
        assert_eq!(phase().as_deref(), Some("failed"));
        run("CREATE ROLE backups_stranger; SET LOCAL ROLE backups_stranger");
        run("SELECT dynamo.resume_backup_jobs(); RESET ROLE");
        assert_eq!(phase().as_deref(), Some("failed"));
        run("SELECT dynamo.resume_backup_jobs()");
        assert_eq!(phase().as_deref(), Some("copy"));
    }

    #[pg_test]
    fn backups_that_are_not_there_are_not_found() {
        simple_table("backup_missing");
        let arn = create("backup_missing")["BackupArn"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        for missing in [
            arn.replace("table/backup_missing/", "table/backup_other/"),
            arn.replace("/backup/0", "/backup/9"),
        ] {
            for function in [
                "describe_backup",
                "delete_backup",
                "restore_table_from_backup",
            ] {
                let request =
                    json!({"BackupArn": missing, "TargetTableName": "backup_missing_restored"});
                let expected = format!("Backup not found: {missing}");
                expect_refusal(
                    function,
                    &request,
                    ("DY025", "BackupNotFoundException"),
                    &expected,
                );
            }
        }
        for function in [
            "create_backup",
            "update_continuous_backups",
            "describe_continuous_backups",
        ] {
            let request = json!({"TableName": "backup_nowhere", "BackupName": "abc",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
            let expected = "Table not found: backup_nowhere";
            expect_refusal(
                function,
                &request,
                ("DY022", "TableNotFoundException"),
                expected,
            );
        }
    }

    #[pg_test]
    fn backups_belong_to_the_owner_of_their_table() {
        simple_table("backup_owned");
        run("CREATE ROLE backup_stranger; GRANT CREATE ON SCHEMA dynamo_tables TO backup_stranger");
        run("GRANT SELECT ON dynamo_tables.backup_owned TO backup_stranger");
        let details = create("backup_owned");
        let id = details["BackupArn"]
            .as_str()
            .and_then(|arn| arn.rsplit('/').next())
            .unwrap_or_default()
            .to_owned();
        run("SET ROLE backup_stranger");
        for (function, request) in [
            (
                "create_backup",
                json!({"TableName": "backup_owned", "BackupName": "abc"}),
            ),
            ("delete_backup", json!({"BackupArn": details["BackupArn"]})),
            (
                "restore_table_from_backup",
                json!({"BackupArn": details["BackupArn"], "TargetTableName": "backup_stolen"}),
            ),
            (
                "restore_table_to_point_in_time",
                json!({"SourceTableName": "backup_owned", "UseLatestRestorableTime": true, "TargetTableName": "backup_stolen"}),
            ),
            (
                "update_continuous_backups",
                json!({"TableName": "backup_owned", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}}),
            ),
        ] {
            let refused = refusal(function, &request);
            assert_eq!(
                (refused.sqlstate.as_str(), refused.message.as_str()),
                ("42501", "must be owner of table backup_owned")
            );
        }
        assert_eq!(
            failure(&format!("SELECT * FROM dynamo_backups.\"{id}\"")).sqlstate,
            "42501"
        );
        run("RESET ROLE");
    }

    #[pg_test]
    fn what_policies_hide_from_the_owner_is_not_copied_silently() {
        simple_table("backup_forced");
        run(
            "ALTER TABLE dynamo_tables.backup_forced ENABLE ROW LEVEL SECURITY; ALTER TABLE dynamo_tables.backup_forced FORCE ROW LEVEL SECURITY",
        );
        let refused = refusal(
            "create_backup",
            &json!({"TableName": "backup_forced", "BackupName": "abc"}),
        );
        assert_eq!(refused.sqlstate, "42501");
        let refused = refusal(
            "update_continuous_backups",
            &json!({"TableName": "backup_forced", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}}),
        );
        assert_eq!(refused.sqlstate, "42501");
    }

    #[pg_test]
    fn dropping_the_relation_of_a_backup_drops_the_backup() {
        simple_table("backup_dropped");
        let arn = create("backup_dropped")["BackupArn"].clone();
        let id = arn
            .as_str()
            .and_then(|arn| arn.rsplit('/').next())
            .unwrap_or_default()
            .to_owned();
        run(&format!("DROP TABLE dynamo_backups.\"{id}\""));
        assert_eq!(
            refusal("describe_backup", &json!({"BackupArn": arn})).sqlstate,
            "DY025"
        );
        assert_eq!(count("SELECT count(*) FROM dynamo.backup_jobs"), 0);
    }

    /// What the running transaction has made is not kept: here that is everything, so only gaps are, and what is truncated.
    /// Versions of other transactions: the suite `backups`.
    #[pg_test]
    fn every_way_to_write_finds_a_gap_once() {
        simple_table("history_kept");
        put(
            "history_kept",
            &json!({"id": {"S": "before"}, "n": {"N": "1"}}),
        );
        assert_eq!(on("history_kept")["PointInTimeRecoveryStatus"], "ENABLED");
        put(
            "history_kept",
            &json!({"id": {"S": "before"}, "n": {"N": "2"}}),
        );
        put("history_kept", &json!({"id": {"S": "new"}}));
        call(
            "delete_item",
            &json!({"TableName": "history_kept", "Key": {"id": {"S": "new"}}}),
        );
        run("UPDATE dynamo_tables.history_kept SET item = '{\"id\": {\"S\": \"moved\"}}'");
        run("UPDATE dynamo_tables.history_kept SET item = item");
        run(
            "INSERT INTO dynamo_tables.history_kept (item) VALUES ('{\"id\": {\"S\": \"plain\"}}')",
        );
        run("TRUNCATE dynamo_tables.history_kept");
        let kept = history("history_kept");
        assert_eq!(kept[..3], ["nothing"; 3]);
        let mut truncated = kept[3..].to_vec();
        truncated.sort();
        assert_eq!(
            truncated,
            ["{\"id\":{\"S\":\"moved\"}}", "{\"id\":{\"S\":\"plain\"}}"]
        );
        assert_eq!(
            count("SELECT count(DISTINCT transaction) FROM dynamo_history.history_kept"),
            1
        );
    }

    /// Policies that are forced upon the owner after point-in-time recovery is on hide nothing from it.
    #[pg_test]
    fn forced_policies_hide_nothing_from_the_history() {
        simple_table("history_forced");
        run(
            "CREATE ROLE history_owner; GRANT CREATE ON SCHEMA dynamo_tables TO history_owner;
             ALTER TABLE dynamo_tables.history_forced OWNER TO history_owner",
        );
        put("history_forced", &json!({"id": {"S": "a"}}));
        run("SET ROLE history_owner");
        on("history_forced");
        run(
            "ALTER TABLE dynamo_tables.history_forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        );
        run("TRUNCATE dynamo_tables.history_forced");
        run("RESET ROLE");
        assert_eq!(history("history_forced"), ["{\"id\":{\"S\":\"a\"}}"]);
        put("history_forced", &json!({"id": {"S": "b"}}));
        run("SET ROLE history_owner");
        call("delete_table", &json!({"TableName": "history_forced"}));
        run("RESET ROLE");
        assert_eq!(
            count(
                "SELECT item_count FROM dynamo.backups WHERE table_name = 'history_forced' AND backup_type = 'SYSTEM'"
            ),
            1
        );
    }

    #[pg_test]
    fn what_a_subtransaction_takes_back_is_no_history() {
        simple_table("history_undone");
        on("history_undone");
        run("DO $do$ BEGIN
                 BEGIN
                     PERFORM dynamo.put_item('history_undone', '{\"id\": {\"S\": \"undone\"}}');
                     RAISE EXCEPTION 'undone';
                 EXCEPTION WHEN OTHERS THEN NULL;
                 END;
                 PERFORM dynamo.put_item('history_undone', '{\"id\": {\"S\": \"done\"}}');
             END $do$");
        assert_eq!(
            count("SELECT count(*) FROM dynamo_history.history_undone"),
            1
        );
        assert_eq!(history("history_undone"), ["nothing"]);
    }

    #[pg_test]
    fn history_costs_nothing_when_it_is_off() {
        simple_table("history_off");
        let triggers =
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'dynamo_tables.history_off'::regclass";
        let relations = "SELECT count(*) FROM pg_class WHERE relnamespace = 'dynamo_history'::regnamespace AND relname ~ '^history_off'";
        assert_eq!(count(triggers), 1);
        on("history_off");
        assert_eq!((count(triggers), count(relations)), (3, 1));
        let off = recovery("history_off", &json!({"PointInTimeRecoveryEnabled": false}));
        assert_eq!(off, json!({"PointInTimeRecoveryStatus": "DISABLED"}));
        assert_eq!((count(triggers), count(relations)), (1, 0));
        assert_eq!(
            count("SELECT count(*) FROM dynamo_internal.history_segment"),
            0
        );
    }

    #[pg_test]
    fn writers_need_no_right_to_the_history() {
        simple_table("history_granted");
        on("history_granted");
        run(
            "CREATE ROLE history_writer; GRANT SELECT, INSERT, UPDATE ON dynamo_tables.history_granted TO history_writer",
        );
        run("SET ROLE history_writer");
        put("history_granted", &json!({"id": {"S": "a"}}));
        assert_eq!(
            failure("SELECT * FROM dynamo_history.history_granted").sqlstate,
            "42501"
        );
        run("RESET ROLE");
        assert_eq!(history("history_granted"), ["nothing"]);
    }

    #[pg_test]
    fn a_trigger_of_somebody_else_writes_no_history() {
        run("CREATE TABLE history_foreign (pk_hash int8, pk bytea, sk bytea, item dynamo.item)");
        run(
            "CREATE TRIGGER t AFTER INSERT ON history_foreign FOR EACH ROW EXECUTE FUNCTION dynamo_internal.record_history()",
        );
        let refused =
            failure("INSERT INTO history_foreign VALUES (1, 'a', 'b', '{\"id\": {\"S\": \"a\"}}')");
        assert!(
            refused.message.contains("on data tables"),
            "{}",
            refused.message
        );
        let called = failure("SELECT dynamo_internal.record_history()");
        assert_eq!(called.sqlstate, "DY001");
    }

    #[pg_test]
    fn a_table_with_history_leaves_a_backup_when_it_is_deleted() {
        simple_table("history_deleted");
        on("history_deleted");
        put("history_deleted", &json!({"id": {"S": "kept"}}));
        call("delete_table", &json!({"TableName": "history_deleted"}));
        let listed = call(
            "list_backups",
            &json!({"TableName": "history_deleted", "BackupType": "SYSTEM"}),
        );
        let kept = listed["BackupSummaries"][0].clone();
        assert_eq!(kept["BackupName"], "history_deleted$DeletedTableBackup");
        assert_eq!(kept["BackupStatus"], "AVAILABLE");
        assert!(kept["BackupExpiryDateTime"].is_number());
        let id = kept["BackupArn"]
            .as_str()
            .and_then(|arn| arn.rsplit('/').next())
            .unwrap_or_default()
            .to_owned();
        let items = text(&format!(
            "SELECT string_agg(item::text, ' ') FROM dynamo_backups.\"{id}\""
        ));
        assert_eq!(items.as_deref(), Some("{\"id\":{\"S\":\"kept\"}}"));
        assert_eq!(count("SELECT count(*) FROM dynamo_internal.history"), 0);
        let restored = call(
            "restore_table_from_backup",
            &json!({"BackupArn": kept["BackupArn"], "TargetTableName": "history_deleted"}),
        );
        let table = restored["TableDescription"].clone();
        assert_eq!(table["TableStatus"], "CREATING");
        assert_eq!(table["RestoreSummary"]["RestoreInProgress"], true);
    }

    #[pg_test]
    fn a_table_that_is_being_restored_has_no_items_yet() {
        simple_table("restore_source");
        on("restore_source");
        let request = json!({"SourceTableName": "restore_source", "UseLatestRestorableTime": true, "TargetTableName": "restore_target"});
        call("restore_table_to_point_in_time", &request);
        let key = json!({"TableName": "restore_target", "Key": {"id": {"S": "a"}}});
        expect_refusal(
            "get_item",
            &key,
            ("DY003", "ResourceNotFoundException"),
            "Requested resource not found",
        );
        expect_refusal(
            "scan",
            &json!({"TableName": "restore_target"}),
            ("DY003", "ResourceNotFoundException"),
            "Requested resource not found",
        );
        for (function, request, error) in [
            ("restore_table_to_point_in_time", request, "DY021"),
            (
                "create_backup",
                json!({"TableName": "restore_target", "BackupName": "abc"}),
                "DY021",
            ),
            (
                "delete_table",
                json!({"TableName": "restore_target"}),
                "DY004",
            ),
            (
                "delete_table",
                json!({"TableName": "restore_source"}),
                "DY004",
            ),
            (
                "update_table",
                json!({"TableName": "restore_target", "DeletionProtectionEnabled": true}),
                "DY004",
            ),
            (
                "update_time_to_live",
                json!({"TableName": "restore_target", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "n"}}),
                "DY004",
            ),
        ] {
            assert_eq!(
                refusal(function, &request).sqlstate,
                error,
                "{function} {request}"
            );
        }
        let existing = json!({"SourceTableName": "restore_source", "UseLatestRestorableTime": true, "TargetTableName": "restore_source"});
        expect_refusal(
            "restore_table_to_point_in_time",
            &existing,
            ("DY020", "TableAlreadyExistsException"),
            "Table already exists: restore_source",
        );
    }

    #[pg_test]
    fn named_forms_of_backups_say_the_same() {
        simple_table("backup_named");
        assert_eq!(text("SELECT dynamo.create_backup('backup_named', 'abc') #>> '{BackupDetails,BackupName}'").as_deref(), Some("abc"));
        assert_eq!(
            text("SELECT dynamo.update_continuous_backups('backup_named', true, 7) #>> '{ContinuousBackupsDescription,PointInTimeRecoveryDescription,RecoveryPeriodInDays}'").as_deref(),
            Some("7")
        );
        assert_eq!(
            text("SELECT dynamo.restore_table_to_point_in_time('backup_named', 'backup_named_again') #>> '{TableDescription,TableStatus}'").as_deref(),
            Some("CREATING")
        );
        let early = failure(
            "SELECT dynamo.restore_table_to_point_in_time('backup_named', 'backup_named_early', now() - interval '1 day')",
        );
        assert_eq!(early.sqlstate, "DY028");
        assert_eq!(
            count(
                "SELECT count(*) FROM dynamo.point_in_time WHERE table_name = 'backup_named' AND recovery_period_in_days = 7 AND segments = 1"
            ),
            1
        );
    }
}
