"""What infrastructure tools call: tables as Terraform's provider makes, changes and reads them (terraform_resource)."""

import unittest

import boto3
from support import ON_AWS, Case
from terraform_resource import Resource, on_demand, warm


def kms_key(number):
    return f"arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-{number:012}"


class Terraform(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.streams = boto3.client("dynamodbstreams")

    def applied(self, **config):
        resource = Resource(self, **config)
        resource.create()
        return resource

    def test_a_provisioned_table_with_everything(self):
        table = self.applied(
            hash_key="User",
            range_key="Game",
            attributes=dict(User="S", Game="S", Score="N", Day="S"),
            read_capacity=5,
            write_capacity=4,
            local_indexes=[dict(name="ByScore", range_key="Score", projection="KEYS_ONLY")],
            global_indexes=[
                dict(name="ByDay", hash_key="Day", range_key="Score", projection="INCLUDE", non_key=["User2"], read=3, write=2)
            ],
            tags=dict(team="blue", stage="test"),
            ttl="Expires",
            point_in_time_recovery=True,
            recovery_days=35,
            server_side_encryption=True,
            stream="OLD_IMAGE",
            deletion_protection=True,
            table_class="STANDARD_INFREQUENT_ACCESS",
        )
        table.update(deletion_protection=False)
        table.update(read_capacity=6, write_capacity=3)
        table.update(table_class="STANDARD", stream=None)
        table.update(tags=dict(team="red"))
        table.update(
            global_indexes=[
                dict(name="ByDay", hash_key="Day", range_key="Score", projection="INCLUDE", non_key=["User2"], read=4, write=4)
            ]
        )
        table.update(point_in_time_recovery=False, recovery_days=None)

    @unittest.skipIf(ON_AWS, "AWS looks for the keys, and warm throughput is paid for")
    def test_an_on_demand_table_with_everything(self):
        by_color = dict(
            name="ByColor", hash_key="Color", projection="KEYS_ONLY", on_demand=on_demand(20, 10), warm=warm(15000, 6000)
        )
        table = self.applied(
            hash_key="Id",
            range_key="Day",
            attributes=dict(Id="S", Day="N", Color="S"),
            billing_mode="PAY_PER_REQUEST",
            on_demand=on_demand(100, 50),
            warm=warm(14000, 5000),
            global_indexes=[by_color],
            stream="NEW_IMAGE",
            server_side_encryption=True,
            kms_key=kms_key(1),
            point_in_time_recovery=True,
            recovery_days=7,
            ttl="Expires",
            tags=dict(team="blue"),
        )
        table.update(stream="KEYS_ONLY")
        table.update(stream=None)
        table.update(stream="NEW_AND_OLD_IMAGES")
        table.update(on_demand=on_demand(80, 60))
        table.update(on_demand=on_demand(80, -1))
        by_color = by_color | dict(on_demand=on_demand(30, 10))
        table.update(global_indexes=[by_color])
        by_color = by_color | dict(warm=warm(16000, 6000))
        table.update(global_indexes=[by_color])
        table.update(warm=warm(14000, 7000))
        table.update(kms_key=kms_key(2))
        table.update(kms_key=None)
        table.update(server_side_encryption=False)
        table.update(recovery_days=14)
        table.update(point_in_time_recovery=False, recovery_days=None)
        table.update(point_in_time_recovery=True)
        by_day = dict(name="ByDay", hash_key="Day", on_demand=on_demand(5, 4), warm=warm(13000, 4000))
        table.update(global_indexes=[by_color, by_day])
        # Less warm throughput is another index.
        table.update(global_indexes=[by_color | dict(warm=warm(15000, 6000)), by_day])
        # One change of everything.
        table.update(
            attributes=dict(Id="S", Day="N"),
            global_indexes=[by_day | dict(warm=warm(20000, 5000))],
            stream="OLD_IMAGE",
            on_demand=on_demand(90, 70),
            warm=warm(20000, 8000),
            table_class="STANDARD_INFREQUENT_ACCESS",
            server_side_encryption=True,
            kms_key=kms_key(3),
            recovery_days=21,
            ttl=None,
            tags=dict(stage="test"),
        )

    @unittest.skipIf(ON_AWS, "AWS looks for the keys, and warm throughput is paid for")
    def test_a_provisioned_table_with_streams_keys_and_warm_throughput(self):
        by_color = dict(name="ByColor", hash_key="Color", read=2, write=1, warm=warm(13000, 5000))
        table = self.applied(
            hash_key="Id",
            attributes=dict(Id="S", Color="S"),
            read_capacity=3,
            write_capacity=2,
            warm=warm(12500, 4500),
            global_indexes=[by_color],
            stream="NEW_AND_OLD_IMAGES",
            server_side_encryption=True,
            kms_key=kms_key(1),
            point_in_time_recovery=True,
            recovery_days=1,
        )
        table.update(read_capacity=4)
        # Units and warm throughput of an index go in two requests.
        by_color = by_color | dict(read=3, warm=warm(14000, 5000))
        table.update(global_indexes=[by_color], warm=warm(12500, 6000))
        table.update(kms_key=kms_key(2), stream=None, recovery_days=35)
        table.update(stream="KEYS_ONLY", point_in_time_recovery=False, recovery_days=None)

    def test_an_on_demand_table_that_changes(self):
        table = self.applied(hash_key="Id", attributes=dict(Id="S"), billing_mode="PAY_PER_REQUEST")
        table.update(
            attributes=dict(Id="S", Color="S"),
            global_indexes=[dict(name="ByColor", hash_key="Color", read=1, write=1)],
        )
        table.update(server_side_encryption=True)
        table.update(server_side_encryption=False)
        table.update(on_demand=on_demand(100, 50))
        table.update(deletion_protection=True, tags=dict(a="1", b=""))
        table.update(deletion_protection=False, attributes=dict(Id="S"), global_indexes=[])

    def test_a_table_that_changes_its_billing_mode(self):
        table = self.applied(
            hash_key="Id",
            attributes=dict(Id="S", Color="S"),
            billing_mode="PAY_PER_REQUEST",
            global_indexes=[dict(name="ByColor", hash_key="Color", read=2, write=1)],
        )
        table.update(billing_mode="PROVISIONED", read_capacity=2, write_capacity=2)
        table.update(billing_mode="PAY_PER_REQUEST", read_capacity=0, write_capacity=0, on_demand=on_demand(70, 60))
        bounded = dict(name="ByColor", hash_key="Color", read=2, write=1, on_demand=on_demand(8, 9))
        table.update(global_indexes=[bounded])
        # Bounds end with the mode.
        del bounded["on_demand"]
        table.update(
            billing_mode="PROVISIONED", read_capacity=2, write_capacity=2, on_demand=None, global_indexes=[bounded]
        )


if __name__ == "__main__":
    unittest.main()
