"""accounts, sessions, the log of acts; controls, drafts and answers of the reading room"""

from alembic import op
import sqlalchemy as sa

revision = 'research_0003'
down_revision = 'research_0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'account',
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('display', sa.String(), nullable=False),
        sa.Column('roles', sa.JSON(), nullable=False),
        sa.Column('projects', sa.JSON(), nullable=False),
        sa.Column('senior', sa.Boolean(), nullable=False),
        sa.Column('password', sa.String(), nullable=True),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('name'),
    )
    op.create_table(
        'invitation',
        sa.Column('digest', sa.String(), nullable=False),
        sa.Column('account', sa.String(), nullable=False),
        sa.Column('until_s', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('digest'),
    )
    op.create_table(
        'portal_session',
        sa.Column('digest', sa.String(), nullable=False),
        sa.Column('account', sa.String(), nullable=False),
        sa.Column('started_s', sa.Float(), nullable=False),
        sa.Column('seen_s', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('digest'),
    )
    op.create_table(
        'api_token',
        sa.Column('digest', sa.String(), nullable=False),
        sa.Column('account', sa.String(), nullable=False),
        sa.Column('label', sa.String(), nullable=False),
        sa.Column('until_s', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('digest'),
    )
    op.create_table(
        'sign_in_failure',
        sa.Column('failure_id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('tried', sa.String(), nullable=False),
        sa.Column('at_s', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('failure_id'),
    )
    op.create_index('ix_sign_in_failure_tried', 'sign_in_failure', ['tried'])
    op.create_table(
        'audit_entry',
        sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('at', sa.String(), nullable=False),
        sa.Column('who', sa.String(), nullable=False),
        sa.Column('action', sa.String(), nullable=False),
        sa.Column('target', sa.String(), nullable=False),
        sa.Column('former', sa.String(), nullable=False),
        sa.Column('digest', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('number'),
    )
    op.create_table(
        'spoilt_pair',
        sa.Column('project', sa.String(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('of_sha256', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('project', 'sha256'),
    )
    op.create_table(
        'control_read',
        sa.Column('read_id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('project', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('pack_sha256', sa.String(), nullable=False),
        sa.Column('reader', sa.String(), nullable=False),
        sa.Column('verdict', sa.String(), nullable=False),
        sa.Column('answers', sa.JSON(), nullable=False),
        sa.Column('decided_at', sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint('read_id'),
    )
    op.create_index('ix_control_read_project', 'control_read', ['project'])
    op.create_table(
        'draft',
        sa.Column('item', sa.String(), nullable=False),
        sa.Column('project', sa.String(), nullable=False),
        sa.Column('answers', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('item'),
    )
    op.create_index('ix_draft_project', 'draft', ['project'])
    with op.batch_alter_table('decision', schema=None) as batch_op:
        batch_op.add_column(sa.Column('kind', sa.String(), nullable=False, server_default='read'))
        batch_op.add_column(sa.Column('answers', sa.JSON(), nullable=False, server_default='{}'))


def downgrade() -> None:
    with op.batch_alter_table('decision', schema=None) as batch_op:
        batch_op.drop_column('answers')
        batch_op.drop_column('kind')
    for table in (
        'draft', 'control_read', 'spoilt_pair', 'audit_entry', 'sign_in_failure',
        'api_token', 'portal_session', 'invitation', 'account',
    ):  # fmt: skip
        op.drop_table(table)
