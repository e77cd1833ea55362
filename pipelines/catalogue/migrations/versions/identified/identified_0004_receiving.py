"""what a site pushed, and what nobody asked for"""

from alembic import op
import sqlalchemy as sa

revision = 'identified_0004'
down_revision = 'identified_0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'pushed_instance',
        sa.Column('site', sa.String(), nullable=False),
        sa.Column('project', sa.String(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('study_uid', sa.String(), nullable=False),
        sa.Column('series_uid', sa.String(), nullable=False),
        sa.Column('sop_uid', sa.String(), nullable=False),
        sa.Column('sop_class_uid', sa.String(), nullable=False),
        sa.Column('patient_id', sa.String(), nullable=False),
        sa.Column('accession_number', sa.String(), nullable=False),
        sa.Column('study_date', sa.String(), nullable=False),
        sa.Column('quiet_s', sa.Float(), nullable=False),
        sa.Column('arrived_at', sa.Float(), nullable=False),
        sa.Column('settled', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('site', 'project', 'sha256'),
    )
    op.create_index(
        'pushed_by_study', 'pushed_instance', ['site', 'settled', 'project', 'study_uid']
    )
    op.create_table(
        'quarantined_object',
        sa.Column('site', sa.String(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('sop_uid', sa.String(), nullable=False),
        sa.Column('study_uid', sa.String(), nullable=False),
        sa.Column('asked_study_uid', sa.String(), nullable=False),
        sa.Column('transfer_syntax_uid', sa.String(), nullable=False),
        sa.Column('path', sa.String(), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.Column('code', sa.String(), nullable=False),
        sa.Column('arrived_at', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('site', 'sha256'),
    )
    op.create_index(
        'ix_quarantined_object_asked_study_uid', 'quarantined_object', ['asked_study_uid']
    )


def downgrade() -> None:
    op.drop_index('ix_quarantined_object_asked_study_uid', 'quarantined_object')
    op.drop_table('quarantined_object')
    op.drop_index('pushed_by_study', table_name='pushed_instance')
    op.drop_table('pushed_instance')
