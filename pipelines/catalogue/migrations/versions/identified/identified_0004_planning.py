"""what was asked by list, what a PACS says of it, and how gently it was treated"""

from alembic import op
import sqlalchemy as sa

revision = 'identified_0004_planning'
down_revision = 'identified_0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('asked_row',
    sa.Column('project', sa.String(), nullable=False),
    sa.Column('site', sa.String(), nullable=False),
    sa.Column('list_id', sa.String(), nullable=False),
    sa.Column('line', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('given', sa.String(), nullable=False),
    sa.Column('accession_number', sa.String(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('study_date', sa.String(), nullable=False),
    sa.Column('shown', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=True),
    sa.Column('detail', sa.String(), nullable=False),
    sa.Column('proposal', sa.String(), nullable=False),
    sa.Column('accepted_by', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('project', 'site', 'list_id', 'line')
    )
    with op.batch_alter_table('asked_row', schema=None) as batch_op:
        batch_op.create_index('asked_by_state', ['project', 'site', 'state', 'line'], unique=False)

    op.create_table('asked_study',
    sa.Column('project', sa.String(), nullable=False),
    sa.Column('site', sa.String(), nullable=False),
    sa.Column('list_id', sa.String(), nullable=False),
    sa.Column('line', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('row_id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('project', 'site', 'list_id', 'line', 'row_id')
    )
    with op.batch_alter_table('asked_study', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_asked_study_row_id'), ['row_id'], unique=False)

    op.create_table('pacs_event',
    sa.Column('event_id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('site', sa.String(), nullable=False),
    sa.Column('at', sa.Double(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('project', sa.String(), nullable=False),
    sa.Column('studies', sa.Integer(), nullable=False),
    sa.Column('instances', sa.Integer(), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('seconds', sa.Double(), nullable=False),
    sa.Column('code', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('event_id')
    )
    with op.batch_alter_table('pacs_event', schema=None) as batch_op:
        batch_op.create_index('event_by_site', ['site', 'at'], unique=False)

    op.create_table('pacs_health',
    sa.Column('site', sa.String(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('open_until', sa.Double(), nullable=False),
    sa.Column('code', sa.String(), nullable=True),
    sa.Column('pace', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('site')
    )
    op.create_table('pacs_lease',
    sa.Column('site', sa.String(), nullable=False),
    sa.Column('slot', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('holder', sa.String(), nullable=False),
    sa.Column('until', sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint('site', 'slot')
    )
    op.create_table('set_aside_object',
    sa.Column('site', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('sop_uid', sa.String(), nullable=False),
    sa.Column('study_uid', sa.String(), nullable=False),
    sa.Column('asked_study_uid', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('path', sa.String(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint('site', 'sha256')
    )
    with op.batch_alter_table('set_aside_object', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_set_aside_object_asked_study_uid'), ['asked_study_uid'], unique=False)

    op.create_table('study_plan',
    sa.Column('row_id', sa.String(), nullable=False),
    sa.Column('modality', sa.String(), nullable=False),
    sa.Column('instances', sa.Integer(), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('availability', sa.String(), nullable=False),
    sa.Column('listed_at', sa.Double(), nullable=True),
    sa.Column('look_again_at', sa.Double(), nullable=True),
    sa.ForeignKeyConstraint(['row_id'], ['request_row.row_id'], ),
    sa.PrimaryKeyConstraint('row_id')
    )


def downgrade() -> None:
    op.drop_table('study_plan')
    with op.batch_alter_table('set_aside_object', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_set_aside_object_asked_study_uid'))

    op.drop_table('set_aside_object')
    op.drop_table('pacs_lease')
    op.drop_table('pacs_health')
    with op.batch_alter_table('pacs_event', schema=None) as batch_op:
        batch_op.drop_index('event_by_site')

    op.drop_table('pacs_event')
    with op.batch_alter_table('asked_study', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_asked_study_row_id'))

    op.drop_table('asked_study')
    with op.batch_alter_table('asked_row', schema=None) as batch_op:
        batch_op.drop_index('asked_by_state')

    op.drop_table('asked_row')
