"""linkage and vault"""

from alembic import op
import sqlalchemy as sa

revision = 'identified_0002'
down_revision = 'identified_0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('patient_token',
    sa.Column('site', sa.String(), nullable=False),
    sa.Column('issuer', sa.String(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('setting', sa.String(), nullable=False),
    sa.Column('basis', sa.String(), nullable=False),
    sa.Column('token', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('site', 'issuer', 'patient_id', 'setting')
    )
    op.create_table('vault_ring',
    sa.Column('generation', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('content', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('generation')
    )
    op.create_table('vault_record',
    sa.Column('record_id', sa.String(), nullable=False),
    sa.Column('project', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('record_id')
    )
    with op.batch_alter_table('vault_record', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_vault_record_project'), ['project'], unique=False)
        batch_op.create_index(batch_op.f('ix_vault_record_subject'), ['subject'], unique=False)

    op.create_table('vault_access',
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('holders', sa.String(), nullable=False),
    sa.Column('target', sa.String(), nullable=False),
    sa.Column('former', sa.String(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('number')
    )


def downgrade() -> None:
    op.drop_table('vault_access')
    with op.batch_alter_table('vault_record', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_vault_record_subject'))
        batch_op.drop_index(batch_op.f('ix_vault_record_project'))

    op.drop_table('vault_record')
    op.drop_table('vault_ring')
    op.drop_table('patient_token')
