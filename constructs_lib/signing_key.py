"""An Ed25519 key with which one role signs, and nobody else."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_iam import (
    AccountRootPrincipal,
    AnyPrincipal,
    Effect,
    Grant,
    IGrantable,
    IRole,
    PolicyDocument,
    PolicyStatement,
)
from aws_cdk.aws_kms import Key, KeySpec, KeyUsage
from constructs import Construct

ALGORITHM = "ED25519_SHA_512"
"""Ed25519 of the message itself (MessageType RAW). Source: KMS Developer Guide, "Key spec reference"."""

ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
    "kms:Verify",
)
"""What the account's policies may allow. Neither signing nor a grant is among them, which could pass signing on."""


class SigningKey(Construct):
    """Only `signer` may sign, by the key's policy alone, and only with Ed25519.

    A policy of the account that allows everything on all keys allows neither signing nor a grant here, and the key's
    policy denies both to everybody else besides. Whoever may put a key's policy can still change that: CloudTrail
    records PutKeyPolicy, and every signature. Source: KMS Developer Guide, "Default key policy" and "Key policies".
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, description: str, signer: IRole, removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
        others = {"ArnNotEquals": {"aws:PrincipalArn": signer.role_arn}}
        every = ["*"]  # in the policy of a key: that key
        self.key = Key(
            self,
            "Key",
            description=description,
            key_spec=KeySpec.ECC_NIST_EDWARDS25519,
            key_usage=KeyUsage.SIGN_VERIFY,
            removal_policy=removal_policy,
            policy=PolicyDocument(
                statements=[
                    PolicyStatement(
                        sid="Administration",
                        principals=[AccountRootPrincipal()],
                        actions=list(ADMINISTRATION),
                        resources=every,
                    ),
                    PolicyStatement(
                        sid="Signing",
                        principals=[signer],
                        actions=["kms:Sign"],
                        resources=every,
                        conditions={"StringEquals": {"kms:SigningAlgorithm": ALGORITHM, "kms:MessageType": "RAW"}},
                    ),
                    PolicyStatement(
                        sid="NobodyElse",
                        effect=Effect.DENY,
                        principals=[AnyPrincipal()],
                        actions=["kms:CreateGrant", "kms:Sign"],
                        resources=every,
                        conditions=others,
                    ),
                ]
            ),
        )

    def grant_public_key(self, grantee: IGrantable) -> None:
        """Allow reading the public key."""
        Grant.add_to_principal(grantee=grantee, actions=["kms:GetPublicKey"], resource_arns=[self.key.key_arn])

    def grant_verify(self, grantee: IGrantable) -> None:
        """Allow having KMS check a signature, for whoever has no library that does."""
        Grant.add_to_principal(grantee=grantee, actions=["kms:Verify"], resource_arns=[self.key.key_arn])
