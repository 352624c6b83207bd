"""Fills a local S3 for demos and tests: a user with a key of its own, a private bucket, a folder of files,
and pre-signed URLs, one that is good for 300 seconds and one that has expired.

Prints one JSON object. It talks to an emulator on loopback; the credentials it begins with are the
emulator's own and are no secret. It runs where `ministack` is installed, which brings botocore.
"""

import argparse
import json
import mimetypes
import pathlib
import sys
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

LIFE_SECONDS = 300


def client(service, endpoint, region, key):
    # One session a client: credentials of one must not leak into another.
    return botocore.session.Session().create_client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key["id"],
        aws_secret_access_key=key["secret"],
        config=Config(
            signature_version="s3v4" if service == "s3" else "v4",
            s3={"addressing_style": "path"},
            retries={"max_attempts": 2},
            connect_timeout=5,
        ),
    )


def new_key(endpoint, region, bucket):
    """A user who may read this one bucket, as the edge's role may."""
    iam = client("iam", endpoint, region, {"id": "test", "secret": "test"})
    user = f"{bucket}-edge"
    iam.create_user(UserName=user)
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:CreateBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="content", PolicyDocument=document)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    return {"id": made["AccessKeyId"], "secret": made["SecretAccessKey"]}


def expired(endpoint, region, bucket, name, key):
    """A URL that was good for LIFE_SECONDS, an hour ago."""
    request = AWSRequest(method="GET", url=f"{endpoint}/{bucket}/{quote(name)}")
    credentials = Credentials(key["id"], key["secret"])
    signer = botocore.auth.S3SigV4QueryAuth(credentials, "s3", region, expires=LIFE_SECONDS)
    past = datetime.now(timezone.utc) - timedelta(hours=1)
    # The signer asks this function for the time, and has no other way to be told.
    botocore.auth.get_current_datetime = lambda *_, **__: past
    signer.add_auth(request)
    if past.strftime("%Y%m%dT%H") not in request.url:
        sys.exit("bucket.py: this botocore takes its time from elsewhere; the URL would not be expired")
    return request.url


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--endpoint", required=True)
    options.add_argument("--bucket", required=True)
    options.add_argument("--region", default="eu-west-1")
    options.add_argument("--folder", required=True, type=pathlib.Path)
    options.add_argument("--sample", required=True, help="the object that URLs are signed for")
    args = options.parse_args()

    key = new_key(args.endpoint, args.region, args.bucket)
    s3 = client("s3", args.endpoint, args.region, key)
    s3.create_bucket(Bucket=args.bucket, CreateBucketConfiguration={"LocationConstraint": args.region})
    for file in sorted(path for path in args.folder.rglob("*") if path.is_file()):
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        name = file.relative_to(args.folder).as_posix()
        s3.put_object(Bucket=args.bucket, Key=name, Body=file.read_bytes(), ContentType=kind)
    params = {"Bucket": args.bucket, "Key": args.sample}
    signed = s3.generate_presigned_url("get_object", Params=params, ExpiresIn=LIFE_SECONDS)
    print(
        json.dumps(
            {
                "access_key_id": key["id"],
                "secret_access_key": key["secret"],
                "signed": signed,
                "expired": expired(args.endpoint, args.region, args.bucket, args.sample, key),
            }
        )
    )


if __name__ == "__main__":
    main()
