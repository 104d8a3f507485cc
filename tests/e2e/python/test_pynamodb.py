"""PynamoDB: a model with a global index, as web applications keep their sessions in one."""

import os
import unittest
from datetime import datetime, timezone

from pynamodb.attributes import (
    JSONAttribute, ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute,
    UTCDateTimeAttribute, VersionAttribute,
)
from pynamodb.exceptions import DoesNotExist, PutError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from support import unique

REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


class UserIndex(GlobalSecondaryIndex):
    class Meta:
        index_name = "user_index"
        projection = AllProjection()

    user_id = UnicodeAttribute(hash_key=True)
    last_used = UTCDateTimeAttribute(range_key=True)


class Device(MapAttribute):
    name = UnicodeAttribute()
    version = NumberAttribute()


class Session(Model):
    class Meta:
        table_name = unique("Session")
        region = REGION
        billing_mode = "PAY_PER_REQUEST"

    session_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    last_used = UTCDateTimeAttribute()
    visits = NumberAttribute(default=0)
    roles = UnicodeSetAttribute(null=True)
    pages = ListAttribute(default=list)
    device = Device(null=True)
    data = JSONAttribute(null=True)
    user_index = UserIndex()


class Document(Model):
    class Meta:
        table_name = unique("Document")
        region = REGION
        billing_mode = "PAY_PER_REQUEST"

    id = UnicodeAttribute(hash_key=True)
    part = NumberAttribute(range_key=True)
    text = UnicodeAttribute(null=True)
    version = VersionAttribute()


def moment(minute):
    return datetime(2026, 1, 1, 12, minute, tzinfo=timezone.utc)


class PynamoDB(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for model in (Session, Document):
            model.create_table(wait=True)
            cls.addClassCleanup(model.delete_table)

    def session(self, name, user="ann", minute=0, **more):
        session = Session(name, user_id=user, last_used=moment(minute), **more)
        session.save()
        return session

    def test_the_table_is_there(self):
        self.assertTrue(Session.exists())
        table = Session.describe_table()
        self.assertEqual(table["GlobalSecondaryIndexes"][0]["IndexName"], "user_index")

    def test_a_saved_session_comes_back(self):
        saved = self.session("saved", roles={"admin", "author"}, pages=["/", "/cart"],
                             device=Device(name="phone", version=3), data={"theme": [1, None, "dark"]})
        got = Session.get("saved", consistent_read=True)
        self.assertEqual(got.attribute_values.keys(), saved.attribute_values.keys())
        self.assertEqual((got.user_id, got.last_used, got.visits), ("ann", moment(0), 0))
        self.assertEqual((got.roles, got.pages, got.data), ({"admin", "author"}, ["/", "/cart"], {"theme": [1, None, "dark"]}))
        self.assertEqual((got.device.name, got.device.version), ("phone", 3))

    def test_a_missing_session_is_an_exception(self):
        with self.assertRaises(DoesNotExist):
            Session.get("missing")

    def test_the_index_finds_the_sessions_of_a_user_in_order(self):
        for minute in (3, 1, 2):
            self.session(f"bob-{minute}", "bob", minute)
        self.session("cid", "cid")
        found = Session.user_index.query("bob")
        self.assertEqual([s.session_id for s in found], ["bob-1", "bob-2", "bob-3"])
        found = Session.user_index.query("bob", UserIndex.last_used > moment(1), scan_index_forward=False)
        self.assertEqual([s.session_id for s in found], ["bob-3", "bob-2"])
        found = Session.user_index.query("bob", filter_condition=Session.visits == 5)
        self.assertEqual(list(found), [])
        self.assertEqual(Session.user_index.count("bob"), 3)

    def test_update_actions(self):
        session = self.session("updated", roles={"author"}, pages=["/"])
        session.update(actions=[
            Session.visits.set(Session.visits + 2),
            Session.pages.set(Session.pages.append(["/next"])),
            Session.roles.add({"admin"}),
            Session.data.remove(),
            Session.device.set(Device(name="tablet", version=1)),
        ])
        self.assertEqual((session.visits, session.pages, session.roles), (2, ["/", "/next"], {"author", "admin"}))
        session.update(actions=[Session.device.name.set("desk"), Session.roles.delete({"author"})])
        session.refresh()
        self.assertEqual((session.device.name, session.roles), ("desk", {"admin"}))

    def test_a_conditional_save(self):
        self.session("once")
        again = Session("once", user_id="eve", last_used=moment(1))
        with self.assertRaises(PutError) as caught:
            again.save(condition=Session.session_id.does_not_exist())
        self.assertEqual(caught.exception.cause_response_code, "ConditionalCheckFailedException")
        again.save(condition=(Session.user_id == "ann") & Session.visits.exists())
        self.assertEqual(Session.get("once").user_id, "eve")

    def test_a_version_that_was_changed_elsewhere_refuses_the_save(self):
        mine = Document("doc", 1, text="first")
        mine.save()
        other = Document.get("doc", 1)
        other.text = "other"
        other.save()
        mine.text = "mine"
        with self.assertRaises(PutError) as caught:
            mine.save()
        self.assertEqual(caught.exception.cause_response_code, "ConditionalCheckFailedException")
        with self.assertRaises(UpdateError):
            mine.update(actions=[Document.text.set("mine")])
        self.assertEqual(Document.get("doc", 1).text, "other")

    def test_delete(self):
        self.session("deleted").delete()
        with self.assertRaises(DoesNotExist):
            Session.get("deleted")

    def test_batches(self):
        with Document.batch_write() as batch:
            for part in range(40):
                batch.save(Document("batch", part, text=f"part {part}"))
        parts = [d.part for d in Document.query("batch", Document.part.between(10, 19), limit=7, page_size=3)]
        self.assertEqual(parts, list(range(10, 17)))
        keys = [("batch", part) for part in (1, 39, 40)]
        self.assertEqual(sorted(d.part for d in Document.batch_get(keys)), [1, 39])
        with Document.batch_write() as batch:
            for document in list(Document.query("batch")):
                batch.delete(document)
        self.assertEqual(Document.count("batch"), 0)

    def test_scan_with_a_filter_in_segments(self):
        for i in range(6):
            self.session(f"scan-{i}", "scanned", i, visits=i)
        condition = (Session.user_id == "scanned") & Session.visits.is_in(2, 3)
        found = [s.visits for segment in (0, 1) for s in Session.scan(condition, segment=segment, total_segments=2)]
        self.assertEqual(sorted(found), [2, 3])


if __name__ == "__main__":
    unittest.main()
