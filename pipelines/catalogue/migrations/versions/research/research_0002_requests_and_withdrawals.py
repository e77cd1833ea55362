"""withdrawals, closed versions, requests"""

from alembic import op
import sqlalchemy as sa

revision = 'research_0002'
down_revision = 'research_0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'withdrawal',
        sa.Column('project', sa.String(), nullable=False),
        sa.Column('mark', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(), nullable=False),
        sa.Column('receipt', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('project', 'mark'),
    )
    op.create_table(
        'request',
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('requester', sa.String(), nullable=False),
        sa.Column('content', sa.JSON(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('name'),
    )
    op.create_table(
        'request_event',
        sa.Column('event_id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('at', sa.DateTime(), nullable=False),
        sa.Column('who', sa.String(), nullable=False),
        sa.Column('role', sa.String(), nullable=False),
        sa.Column('step', sa.String(), nullable=False),
        sa.Column('note', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('event_id'),
    )
    op.create_index('ix_request_event_name', 'request_event', ['name'])
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.add_column(sa.Column('closed_at', sa.DateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.drop_column('closed_at')
    op.drop_index('ix_request_event_name', table_name='request_event')
    op.drop_table('request_event')
    op.drop_table('request')
    op.drop_table('withdrawal')
