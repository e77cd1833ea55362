"""withdrawals and closed versions"""

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
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.add_column(sa.Column('closed_at', sa.DateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.drop_column('closed_at')
    op.drop_table('withdrawal')
