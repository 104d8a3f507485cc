"""boto3's client: backups, restores, point-in-time recovery."""

import time
import unittest
from datetime import datetime, timedelta, timezone

from support import ON_AWS, Case, composite, index, simple, unique

PATIENCE = 900 if ON_AWS else 60
PAUSE = 10 if ON_AWS else 0.1


def until(met, what):
    """Calls `met` until it is true."""
    end = time.monotonic() + PATIENCE
    while not met():
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE} s: {what}")
        time.sleep(PAUSE)


class Restoring(Case):
    @classmethod
    def items(cls, table):
        pages = cls.client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return sorted((item["Artist"]["S"], item["Song"]["N"], item.get("Note", {}).get("S")) for page in pages for item in page["Items"])

    def filled(self, name, **more):
        table = self.create(name, composite("Artist", "Song", "N", **more))
        for n in range(30):
            self.client.put_item(TableName=table, Item={"Artist": {"S": f"artist {n % 3}"}, "Song": {"N": str(n)}, "Note": {"S": "first"}})
        return table

    def backup(self, table, name="nightly"):
        # AWS enables backups of a table some seconds after it was made.
        details = {}

        def made():
            try:
                details.update(self.client.create_backup(TableName=table, BackupName=name)["BackupDetails"])
            except self.client.exceptions.ContinuousBackupsUnavailableException:
                return False
            return True

        until(made, "a backup is accepted")
        arn = details["BackupArn"]
        until(lambda: self.status(arn) == "AVAILABLE", "the backup is available")
        return arn

    def status(self, arn):
        return self.client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"]

    def target(self, name):
        table = unique(name)
        self.addClassCleanup(self.drop, table)
        return table

    def active(self, table):
        until(lambda: self.client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE", f"{table} is active")
        return self.client.describe_table(TableName=table)["Table"]


class Backups(Restoring):
    def test_a_backup_outlives_its_table_and_brings_it_back(self):
        table = self.filled("source", GlobalSecondaryIndexes=[index("BySong", "Song")])
        saved = self.items(table)
        arn = self.backup(table)
        self.addClassCleanup(self.client.delete_backup, BackupArn=arn)
        self.assertRegex(arn, rf"^arn:aws:dynamodb:[^:]+:\d+:table/{table}/backup/\d{{14}}-[0-9a-f]{{8}}$")
        described = self.client.describe_backup(BackupArn=arn)["BackupDescription"]
        self.assertEqual(described["BackupDetails"]["BackupType"], "USER")
        self.assertIsInstance(described["BackupDetails"]["BackupCreationDateTime"], datetime)
        self.assertEqual(described["SourceTableDetails"]["TableName"], table)
        self.assertEqual(described["SourceTableDetails"]["BillingMode"], "PAY_PER_REQUEST")
        (by_song,) = described["SourceTableFeatureDetails"]["GlobalSecondaryIndexes"]
        self.assertEqual(by_song["IndexName"], "BySong")
        (summary,) = self.client.list_backups(TableName=table)["BackupSummaries"]
        self.assertEqual((summary["BackupArn"], summary["TableName"]), (arn, table))
        self.client.put_item(TableName=table, Item={"Artist": {"S": "later"}, "Song": {"N": "1"}})
        self.client.delete_table(TableName=table)
        self.client.get_waiter("table_not_exists").wait(TableName=table)
        begun = self.client.restore_table_from_backup(TargetTableName=table, BackupArn=arn)["TableDescription"]
        self.assertEqual(begun["TableStatus"], "CREATING")
        self.assertTrue(begun["RestoreSummary"]["RestoreInProgress"])
        restored = self.active(table)
        self.assertFalse(restored["RestoreSummary"]["RestoreInProgress"])
        self.assertEqual(restored["RestoreSummary"]["SourceBackupArn"], arn)
        self.assertEqual([i["IndexName"] for i in restored["GlobalSecondaryIndexes"]], ["BySong"])
        self.assertEqual(self.items(table), saved)
        found = self.client.query(
            TableName=table, IndexName="BySong", KeyConditionExpression="Song = :s", ExpressionAttributeValues={":s": {"N": "7"}}
        )["Items"]
        self.assertEqual([item["Artist"]["S"] for item in found], ["artist 1"])

    def test_overrides_change_what_is_restored(self):
        table = self.filled("overridden", GlobalSecondaryIndexes=[index("BySong", "Song")])
        arn = self.backup(table)
        self.addClassCleanup(self.client.delete_backup, BackupArn=arn)
        target = self.target("overriding")
        self.client.restore_table_from_backup(
            TargetTableName=target,
            BackupArn=arn,
            BillingModeOverride="PROVISIONED",
            ProvisionedThroughputOverride=dict(ReadCapacityUnits=3, WriteCapacityUnits=4),
            GlobalSecondaryIndexOverride=[],
        )
        restored = self.active(target)
        units = restored["ProvisionedThroughput"]
        self.assertEqual((units["ReadCapacityUnits"], units["WriteCapacityUnits"]), (3, 4))
        self.assertNotIn("GlobalSecondaryIndexes", restored)
        self.assertEqual(self.items(target), self.items(table))

    def test_deleted_backups_are_gone(self):
        table = self.filled("deleted")
        arn = self.backup(table)
        deleted = self.client.delete_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]
        self.assertEqual((deleted["BackupArn"], deleted["BackupStatus"]), (arn, "DELETED"))
        until(lambda: not self.client.list_backups(TableName=table)["BackupSummaries"], "the backup is not listed")
        self.refused("BackupNotFoundException", self.client.describe_backup, BackupArn=arn)
        self.refused("BackupNotFoundException", self.client.delete_backup, BackupArn=arn)
        target = unique("of-nothing")
        self.refused("BackupNotFoundException", self.client.restore_table_from_backup, BackupArn=arn, TargetTableName=target)

    def test_backups_are_listed_in_pages(self):
        table = self.filled("pages")
        arns = {self.backup(table, f"backup-{n}") for n in range(3)}
        for arn in arns:
            self.addClassCleanup(self.client.delete_backup, BackupArn=arn)
        listed, start = [], {}
        while True:
            page = self.client.list_backups(TableName=table, Limit=2, **start)
            listed += [summary["BackupArn"] for summary in page["BackupSummaries"]]
            if "LastEvaluatedBackupArn" not in page:
                break
            start = dict(ExclusiveStartBackupArn=page["LastEvaluatedBackupArn"])
        self.assertEqual((len(listed), set(listed)), (3, arns))
        past = datetime.now(timezone.utc) - timedelta(days=1)
        self.assertEqual(self.client.list_backups(TableName=table, TimeRangeUpperBound=past)["BackupSummaries"], [])
        self.assertEqual(len(self.client.list_backups(TableName=table, TimeRangeLowerBound=past)["BackupSummaries"]), 3)

    def test_what_is_not_there_is_refused(self):
        self.refused("TableNotFoundException", self.client.create_backup, TableName=unique("none"), BackupName="abc")
        self.refused("TableNotFoundException", self.client.describe_continuous_backups, TableName=unique("none"))
        table = self.create("there", simple())
        self.refused(
            "PointInTimeRecoveryUnavailableException",
            self.client.restore_table_to_point_in_time,
            SourceTableName=table,
            TargetTableName=unique("never"),
            UseLatestRestorableTime=True,
        )


class PointInTime(Restoring):
    # AWS restores to five minutes ago at the latest, in half an hour.
    def recovery(self, table):
        described = self.client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        self.assertEqual(described["ContinuousBackupsStatus"], "ENABLED")
        return described["PointInTimeRecoveryDescription"]

    def enable(self, table, **more):
        self.client.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification=dict(PointInTimeRecoveryEnabled=True, **more)
        )

    def test_recovery_is_switched(self):
        table = self.create("switched", simple())
        self.assertEqual(self.recovery(table), {"PointInTimeRecoveryStatus": "DISABLED"})
        self.enable(table)
        on = self.recovery(table)
        self.assertEqual((on["PointInTimeRecoveryStatus"], on["RecoveryPeriodInDays"]), ("ENABLED", 35))
        self.assertLessEqual(on["EarliestRestorableDateTime"], on["LatestRestorableDateTime"])
        self.enable(table, RecoveryPeriodInDays=2)
        self.assertEqual(self.recovery(table)["RecoveryPeriodInDays"], 2)
        self.refused("ValidationException", self.enable, table, RecoveryPeriodInDays=36)
        self.client.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification=dict(PointInTimeRecoveryEnabled=False)
        )
        self.assertEqual(self.recovery(table), {"PointInTimeRecoveryStatus": "DISABLED"})

    @unittest.skipIf(ON_AWS, "takes half an hour")
    def test_every_second_comes_back(self):
        table = self.filled("history")
        self.enable(table)
        moments = {}
        for version in ("second", "third", None):
            # boto3 sends whole seconds: what happens within one is all restored or all not.
            time.sleep(1.1)
            moments[datetime.now(timezone.utc).replace(microsecond=0)] = self.items(table)
            time.sleep(1.1)
            for n in range(0, 30, 2):
                key = {"Artist": {"S": f"artist {n % 3}"}, "Song": {"N": str(n)}}
                if version:
                    self.client.put_item(TableName=table, Item=key | {"Note": {"S": version}})
                else:
                    self.client.delete_item(TableName=table, Key=key)
        for moment, saved in moments.items():
            target = self.target("moment")
            begun = self.client.restore_table_to_point_in_time(
                SourceTableName=table, TargetTableName=target, RestoreDateTime=moment
            )["TableDescription"]
            self.assertEqual(begun["RestoreSummary"]["RestoreDateTime"], moment)
            self.active(target)
            self.assertEqual(self.items(target), saved, moment)
        target = self.target("latest")
        self.client.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=target, UseLatestRestorableTime=True)
        self.active(target)
        self.assertEqual(self.items(target), self.items(table))

    @unittest.skipIf(ON_AWS, "takes half an hour")
    def test_times_out_of_the_window_are_refused(self):
        table = self.filled("window")
        self.enable(table)
        for moment in (datetime.now(timezone.utc) - timedelta(days=1), datetime.now(timezone.utc) + timedelta(days=1)):
            self.refused(
                "InvalidRestoreTimeException",
                self.client.restore_table_to_point_in_time,
                SourceTableName=table,
                TargetTableName=unique("never"),
                RestoreDateTime=moment,
            )

    @unittest.skipIf(ON_AWS, "takes half an hour")
    def test_a_deleted_table_leaves_a_backup(self):
        table = self.filled("deleted-history")
        self.enable(table)
        saved = self.items(table)
        self.client.delete_table(TableName=table)
        (kept,) = self.client.list_backups(TableName=table, BackupType="SYSTEM")["BackupSummaries"]
        self.assertEqual(kept["BackupName"], f"{table}$DeletedTableBackup")
        days = (kept["BackupExpiryDateTime"] - kept["BackupCreationDateTime"]).days
        self.assertEqual(days, 35)
        target = self.target("undeleted")
        self.client.restore_table_from_backup(TargetTableName=target, BackupArn=kept["BackupArn"])
        self.active(target)
        self.assertEqual(self.items(target), saved)
        self.client.delete_backup(BackupArn=kept["BackupArn"])
