"""images of an exam that hang together; accounts that an identity provider proves"""

from alembic import op
import sqlalchemy as sa

revision = 'research_0004'
down_revision = 'research_0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'exam_view',
        sa.Column('project', sa.String(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('exam', sa.String(), nullable=False),
        sa.Column('volume_id', sa.String(), nullable=False),
        sa.Column('place', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('project', 'sha256', 'exam'),
    )
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('proven_by', sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.drop_column('proven_by')
    op.drop_table('exam_view')
