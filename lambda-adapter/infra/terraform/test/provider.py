"""A stand-in for the AWS provider: it has the schema, and creates nothing.

Terraform validates the modules against it, plans and applies them without the network. What AWS would compute is a text
that names its source, such as `${aws_s3_bucket_3.arn}`, so that checks see what refers to what.
"""

import itertools
import json
import pathlib
from concurrent import futures

import grpc
import msgpack
from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc, grpc_stdio_pb2_grpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc

SCHEMA = json.loads((pathlib.Path(__file__).parent / "schema.json").read_text())["types"]
UNKNOWN = msgpack.ExtType(0, b"\0")
DATA = {
    "aws_caller_identity": {"account_id": "123456789012"},
    "aws_partition": {"partition": "aws"},
    "aws_region": {"region": "eu-west-1"},
}


def schema_of(name):
    return pb.Schema(version=0, block=block(SCHEMA[name]))


def block(described):
    made = pb.Schema.Block()
    for name, one in described["attributes"].items():
        made.attributes.append(
            pb.Schema.Attribute(name=name, type=json.dumps(one["type"]).encode(), required=one["required"], optional=not one["required"] and not one.get("read_only"), computed=one["computed"])
        )
    for name, one in described["blocks"].items():
        made.block_types.append(pb.Schema.NestedBlock(type_name=name, block=block(one), nesting=pb.Schema.NestedBlock.LIST, min_items=one["min"], max_items=one["max"]))
    return made


def unpack(value):
    return msgpack.unpackb(value.msgpack, ext_hook=msgpack.ExtType, strict_map_key=False) if value.msgpack else json.loads(value.json or "null")


def pack(value):
    return pb.DynamicValue(msgpack=msgpack.packb(value))


def computed(kind, text):
    """What AWS would return for an attribute."""
    if kind == "string":
        return text
    if kind == "number":
        return 1
    if kind == "bool":
        return False
    if kind[0] == "object":
        return {name: computed(of, f"{text[:-1]}.{name}}}") for name, of in kind[1].items()}
    return {} if kind[0] == "map" else [computed(kind[1], text)]


def computing(value, described):
    """Marks as unknown what AWS will compute."""
    for name, one in described["attributes"].items():
        if one["computed"] and value.get(name) is None:
            value[name] = UNKNOWN
    for name, inner in described["blocks"].items():
        for element in value.get(name) or []:
            computing(element, inner)


def computed_all(value, described, text):
    """Known values in place of unknown ones."""
    for name, one in described["attributes"].items():
        if value.get(name) == UNKNOWN:
            value[name] = computed(one["type"], f"${{{text}.{name}}}")
    for name, inner in described["blocks"].items():
        for element in value.get(name) or []:
            computed_all(element, inner, f"{text}.{name}")


class Provider(tfplugin_pb2_grpc.ProviderServicer):
    def __init__(self):
        self.numbers = itertools.count(1)

    def GetMetadata(self, request, context):
        resources = [pb.GetMetadata.ResourceMetadata(type_name=name) for name in SCHEMA if not name.startswith("data.")]
        data = [pb.GetMetadata.DataSourceMetadata(type_name=name.removeprefix("data.")) for name in SCHEMA if name.startswith("data.")]
        return pb.GetMetadata.Response(resources=resources, data_sources=data)

    def GetProviderSchema(self, request, context):
        region = pb.Schema.Attribute(name="region", type=b'"string"', optional=True)
        return pb.GetProviderSchema.Response(
            provider=pb.Schema(version=0, block=pb.Schema.Block(attributes=[region])),
            resource_schemas={name: schema_of(name) for name in SCHEMA if not name.startswith("data.")},
            data_source_schemas={name.removeprefix("data."): schema_of(name) for name in SCHEMA if name.startswith("data.")},
        )

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request, context):
        return pb.ConfigureProvider.Response()

    def ValidateResourceConfig(self, request, context):
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request, context):
        return pb.ValidateDataResourceConfig.Response()

    def UpgradeResourceState(self, request, context):
        return pb.UpgradeResourceState.Response(upgraded_state=pb.DynamicValue(json=request.raw_state.json))

    def ReadResource(self, request, context):
        return pb.ReadResource.Response(new_state=request.current_state)

    def ReadDataSource(self, request, context):
        value = unpack(request.config) | DATA[request.type_name]
        return pb.ReadDataSource.Response(state=pack(value))

    def PlanResourceChange(self, request, context):
        proposed = unpack(request.proposed_new_state)
        if proposed is not None and unpack(request.prior_state) is None:
            computing(proposed, SCHEMA[request.type_name])
        return pb.PlanResourceChange.Response(planned_state=pack(proposed))

    def ApplyResourceChange(self, request, context):
        planned = unpack(request.planned_state)
        if planned is not None:
            computed_all(planned, SCHEMA[request.type_name], f"{request.type_name}_{next(self.numbers)}")
        return pb.ApplyResourceChange.Response(new_state=pack(planned))

    def StopProvider(self, request, context):
        return pb.StopProvider.Response()


class Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):
    def Shutdown(self, request, context):
        return grpc_controller_pb2.Empty()


class Output(grpc_stdio_pb2_grpc.GRPCStdioServicer):
    def StreamStdio(self, request, context):
        return iter([])


def serve():
    """A server on loopback, and what Terraform needs to find it."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    tfplugin_pb2_grpc.add_ProviderServicer_to_server(Provider(), server)
    grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(Controller(), server)
    grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(Output(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
